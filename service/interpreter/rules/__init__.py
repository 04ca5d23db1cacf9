"""The decision table: one frozen row per finding."""
