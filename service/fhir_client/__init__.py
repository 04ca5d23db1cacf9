"""One FHIR server, asked with a deadline: an answer is complete or failed."""
