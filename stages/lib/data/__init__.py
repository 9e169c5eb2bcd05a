"""What stages hand on to each other: the catalog, the manifest, images and sharded arrays."""
