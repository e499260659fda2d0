"""Two methods on the same samples, and two protocols on the same predictions."""
