"""Where everything is kept. The only authority: what is not committed here did not happen."""
