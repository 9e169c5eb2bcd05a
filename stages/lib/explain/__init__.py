"""What `explain` works with: Grad-CAM."""
