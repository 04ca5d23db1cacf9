"""FHIR in, typed laboratory and clinical facts out. Knows neither Flask nor `service`."""
