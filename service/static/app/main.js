// Drawn in the next step.
