"""fhir_client."""
