"""What the service costs and how much load it takes: `make bench`, and trials run by hand."""
