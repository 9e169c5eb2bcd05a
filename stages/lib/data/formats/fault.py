"""Why bytes do not become a picture, in words that are true: what a decoder says, and the reason that it amounts to."""

from stages.lib.core.words import DAMAGED, TRUNCATED, UNSUPPORTED

_SAYS_CUT_SHORT = ("truncated", "premature end of jpeg file", "unexpected end of file", "ended prematurely")
_SAYS_UNSUPPORTED = (
    "unsupported jpeg process",
    "unsupported jpeg data precision",
    "unsupported color conversion",
    "unsupported bmp",
    "not supported",
    "not available",
    "unknown pixel mode",
    "unknown data organization",
    "compression of type",
    "conversion from",
)


class BadImage(Exception):  # noqa: N818 - a verdict on one row, not a failure of the run
    """Bytes that cannot be decoded to a picture.

    Attributes:
        reason: One of `DECODE_FAULTS`.
        detail: What was found; the same bytes give the same words.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def reason_of(words: str) -> str:
    """Returns the fault that a decoder's message tells of: cut short, of a kind it does not know, or else damaged."""
    said = words.lower()
    if any(phrase in said for phrase in _SAYS_CUT_SHORT):
        return TRUNCATED
    return UNSUPPORTED if any(phrase in said for phrase in _SAYS_UNSUPPORTED) else DAMAGED
