"""A small stateful Stripe that stripe-python talks to unchanged, for a laptop and for tests."""
