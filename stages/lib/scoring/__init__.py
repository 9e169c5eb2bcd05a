"""Predictions, and metrics with their intervals."""
