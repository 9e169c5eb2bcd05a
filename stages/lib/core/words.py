"""Words that stages share: skin types, splits, and why an image cannot be decoded."""

UNKNOWN_TYPE = -1
"""How the catalog writes a skin type that the annotators could not tell."""
SKIN_TYPES = (1, 2, 3, 4, 5, 6, UNKNOWN_TYPE)
"""The Fitzpatrick scale (Fitzpatrick, Arch Dermatol 124:869, 1988), and unknown."""

MISSING_WORDS = frozenset(["-", "?", "na", "n/a", "#n/a", "nan", "none", "null", "unknown", "missing", ""])
"""How people write that a value is not known; in lower case, without white space around it."""

SPLITS = ("train", "val", "test")
"""What images are dealt to, and what a catalog's column `partition` may say."""

NOT_AN_IMAGE, TRUNCATED, TOO_MANY_PIXELS = DECODE_FAULTS = ("not_an_image", "truncated", "too_many_pixels")
"""Why an image that arrived cannot be decoded."""
