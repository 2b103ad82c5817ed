"""The nouns of money: pure values and rules that know no clock, no network and no database."""
