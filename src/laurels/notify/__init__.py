"""What processes tell each other, and what they share, beside the store."""
