"""Everything a rule may ask about the patient, answered once."""
