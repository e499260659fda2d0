"""The matrix of a run: its cells, the passes that measure them, here, in processes of their own or on a cluster."""
