"""The pipeline's stages, one module each, in the order of dvc.yaml; `stages.lib` holds what they work with."""
