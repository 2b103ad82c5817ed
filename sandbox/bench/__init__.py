"""What a renewal costs, and what else is worth a figure."""
