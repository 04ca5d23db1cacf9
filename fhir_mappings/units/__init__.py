"""What a unit says: its spelling, its grammar, its factor to the canonical unit."""
