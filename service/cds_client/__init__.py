"""A small CDS Client of our own, for `try` and `replay`."""
