"""The figures of the report, part by part, from the tables."""
