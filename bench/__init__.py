"""What the pipeline costs beside what a user would otherwise do; every figure is a ratio taken in one run."""
