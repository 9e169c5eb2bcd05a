"""The networks of the results tables, the batches that they take, and how they lie on disk."""
