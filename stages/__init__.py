"""The pipeline's stages, one module each, in the order of dvc.yaml; `stages.lib` holds what they work with."""

import os

# before anything imports TensorFlow: its start-up notes are no news to the person who waits
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
