"""The stages, one module each: `python -m stages.fetch`, ..., `python -m stages.publish`."""
