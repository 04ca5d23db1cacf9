"""What one hook call costs: `make bench`."""
