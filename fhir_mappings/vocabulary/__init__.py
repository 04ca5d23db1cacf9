"""The typed tables of codes, value sets and orders, and a site's own mappings."""
