"""The Bricqs API: `/api/v1/ingest` and `/api/v1/gamify`, for servers that hold an API key."""
