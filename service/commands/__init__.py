"""The commands of `heme-hooks`, one module each: thin shells over functions that tests call."""
