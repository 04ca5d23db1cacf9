"""The decision table for readers and for other systems."""
