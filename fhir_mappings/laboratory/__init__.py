"""From the Observations and reports of one record to its accepted results."""
