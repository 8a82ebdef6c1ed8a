"""Redis Streams: events that were accepted, and wait to be decided."""
