"""Words that stages share: skin types, splits, words for what is missing, and why an image cannot be used."""

import re
import unicodedata

UNKNOWN_TYPE = -1
"""How the catalog writes a skin type that the annotators could not tell."""
SKIN_TYPES = (1, 2, 3, 4, 5, 6, UNKNOWN_TYPE)
"""The Fitzpatrick scale (Fitzpatrick, Arch Dermatol 124:869, 1988), and unknown."""

MISSING_WORDS = frozenset(["-", "?", "na", "n/a", "#n/a", "nan", "none", "null", "unknown", "missing", ""])
"""How people write that a value is not known; in lower case, without white space around it."""

SPLITS = ("train", "val", "test")
"""What images are dealt to, and what a catalog's column `partition` may say."""

DECODE_FAULTS = ("not_an_image", "unsupported", "truncated", "damaged", "too_many_pixels")
"""Why an image that arrived cannot be decoded."""
NOT_AN_IMAGE, UNSUPPORTED, TRUNCATED, DAMAGED, TOO_MANY_PIXELS = DECODE_FAULTS

_MISSING = """-|--|---|?|??|.|-1|-1.0|na|n/a|n.a.|n.a|#n/a|#na|<na>|nan|-nan|#value!|#ref!|#null!|none|null|nil|unk|
unknown|undefined|unspecified|missing|empty|not available|not applicable|not known|not specified"""
MISSING_WORDS = frozenset({""} | {word.strip() for word in _MISSING.split("|")})
"""What people write where a value is not known, in lower case. `0` is not among them: it is many a first number."""

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
"""What takes no room on the page: soft hyphen, zero-width characters, marks of direction and variation."""


def plain(text: str) -> str:
    """Writes a text so that two that differ in nothing one can see are the same.

    Characters are composed (Unicode NFC), invisible ones go, and white space of any kind and length is one blank; at
    the ends there is none.
    """
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def is_missing(text: str) -> bool:
    """Tells whether a cell says that its value is not known: it is empty or one of `MISSING_WORDS` in any case."""
    return plain(text).lower() in MISSING_WORDS
