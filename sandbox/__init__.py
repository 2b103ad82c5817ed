"""The world on a laptop, never deployed: local AWS, a Stripe that answers over HTTP, and the commands of ./dev."""
