"""The Bricqs API, `/api/v1`: API keys, for servers. Its words stay in this folder."""
