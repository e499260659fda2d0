"""The embedded dataset ``synthetic``: people who never lived, moving as those of CMU's motion capture do."""
