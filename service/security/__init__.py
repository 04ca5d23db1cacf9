"""Who may call: trusted clients, their tokens and keys, and the audit."""
