"""Logs, metrics and the trace context of a call."""
