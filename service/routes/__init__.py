"""HTTP only: routes and errors."""
