"""clinical_data."""
