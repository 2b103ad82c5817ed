"""Perennial, subscription billing that runs in a business's own AWS account with its own Stripe account."""
