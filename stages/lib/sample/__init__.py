"""The drawings of the embedded sample, over which random backbones are scaled, too."""
