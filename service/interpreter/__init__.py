"""The clinical decision table. Pure: no clock, no I/O, no FHIR."""
