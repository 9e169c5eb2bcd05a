"""What `train` works with: fitting, and going on after a kill."""
