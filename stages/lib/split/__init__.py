"""What `split` works with: near-duplicates, the groups that they make, and how these are dealt."""
