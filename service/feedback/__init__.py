"""What was shown, answered and held back."""
