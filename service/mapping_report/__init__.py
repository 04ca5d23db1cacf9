"""How a hospital's results would be read, counted by code and unit, before go-live.

`sources` brings charts one after the other, `tally` counts what `fhir_mappings` makes of them,
`proposals` drafts the ConceptMap rows that are missing, `rendering` shows it all. No identifier
and no single value of a patient is kept.
"""
