"""What is said and proposed once rules have fired."""
