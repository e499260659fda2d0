"""Converters: from what the world keeps to dataset folders."""
