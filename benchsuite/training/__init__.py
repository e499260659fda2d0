"""Training: where pairs come from, what a method brings, and the loop that runs it."""
