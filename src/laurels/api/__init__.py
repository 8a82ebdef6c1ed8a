"""What the world says to us: each API translates its own words into ours, and back."""
