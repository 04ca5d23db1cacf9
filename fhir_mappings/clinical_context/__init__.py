"""clinical_context."""
