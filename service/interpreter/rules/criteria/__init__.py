"""The questions that the rows of the decision table ask."""
