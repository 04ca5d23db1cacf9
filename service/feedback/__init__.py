"""What became of the cards: what was shown, answered and held back."""
