"""Placeholder until the pack is filled."""
