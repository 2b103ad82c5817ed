"""A package, so that its world and its browser end with its last test and not with the run's."""
