"""What every stage stands on: params, errors, files and the words that all share."""
