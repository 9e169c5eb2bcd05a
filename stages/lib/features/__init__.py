"""What `features` works with: resumable parts and the precision of the computation."""
