"""Datasets on disk: how a folder is laid out, read without memory, written and grown."""
