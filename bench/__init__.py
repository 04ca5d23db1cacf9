"""What the service costs and what it bears: `make bench`, and trials that are run by hand."""
