"""Gathering: prefetch and FHIR server to documents, documents to Facts."""
