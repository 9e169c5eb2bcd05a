"""What rows have to beat."""
