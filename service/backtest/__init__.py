"""What the cards would have been on a past year's patients, from a FHIR Bulk Data export."""
