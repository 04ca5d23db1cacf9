"""`make demo`: the service beside a FHIR server with sample patients."""
