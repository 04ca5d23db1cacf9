"""Patient, Conditions, medicines, procedures, encounters and orders as typed context."""
