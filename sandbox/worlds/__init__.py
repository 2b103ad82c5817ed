"""Seeded random worlds: lived on the real handlers, disturbed in every way we know, and judged by an opinion of their own."""
