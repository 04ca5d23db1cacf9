"""JSON to FHIR R4 resources: decoding, elements, times, references, code systems."""
