"""One FHIR server, with a deadline: an answer is complete or failed."""
