"""What `evaluate` works with: all that is said about one row."""
