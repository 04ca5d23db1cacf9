"""Checks of a CDS Client and its FHIR server before go-live, one by one."""
