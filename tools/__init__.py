"""What people run around the pipeline: comparing, repeating and reviewing experiments. No stage imports it."""
