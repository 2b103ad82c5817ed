"""Everything that is shown of Perennial."""
