"""Nouns of selling and people: pure."""
