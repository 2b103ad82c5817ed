"""The outside world, each part of it behind the words of the core."""
