"""The evidence for one patient, launched by the EHR as a SMART app."""
