"""Which open challenges a participant is told to try next, and why."""
