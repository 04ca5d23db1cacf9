"""The texts of the rows: fixed phrases, and paragraphs that depend on the patient."""
