"""cds_client."""
