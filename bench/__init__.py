"""What an event costs: a real server, a load generator beside it, and a floor to compare with."""
