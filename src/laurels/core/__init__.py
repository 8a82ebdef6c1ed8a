"""What follows from what. Pure: no I/O, no clock, no chance, no async."""
