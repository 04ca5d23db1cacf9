"""From an Interpretation to Cards and to the explanation of a call."""
