"""Predictions, the table of metrics with their intervals, calibration, and the comparison of rows."""
