"""The QuestKit API, `/v1`: JWT, for people's own browsers. Its words stay in this folder."""
