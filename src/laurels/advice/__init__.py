"""Advice from outside: a language model behind any endpoint that speaks like OpenAI's."""
