"""What goes wrong when a CDS Client and its FHIR server are registered, checked one by one."""
