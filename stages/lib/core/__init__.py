"""What every stage uses: params, paths, errors, files, and the names that all share."""
