"""What the CDS Hooks specification names: messages, requests, discovery, prefetch."""
