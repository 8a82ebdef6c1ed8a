"""The QuestKit API: `/v1`, for people's own browsers and phones, which hold a token each."""
