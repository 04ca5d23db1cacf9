"""heme-hooks: a CDS Service for pancytopenia, iron and vitamin B12."""
