"""Verbs: each reads, lets the core decide, and commits."""
