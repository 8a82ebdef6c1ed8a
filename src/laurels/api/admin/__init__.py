"""What operators ask and order: `/api/v1/admin`, with an admin's key, in the voice of Bricqs."""
