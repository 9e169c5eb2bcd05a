"""PNG: the chunks that make the picture, checked; the others are not looked into, whatever they hold.

Text and colour profiles may be huge, or small and inflate to gigabytes, and their faults touch no pixel. Pillow reads
them all, refuses the file for them, and does not look at the checksum of image data.
"""

import re
import zlib

from stages.lib.core.words import UNSUPPORTED
from stages.lib.data.formats.fault import BadImage

START = b"\x89PNG\r\n\x1a\n"
_OF_THE_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")
_NAME = re.compile(rb"[A-Za-z]{4}")


def picture_chunks(content: bytes) -> tuple[bytes, str, bool]:
    """Takes a PNG apart by its chunks (PNG, third edition, section 5).

    Of an animation the default image is left, which programs show that know no animations.

    Args:
        content: The file's bytes.

    Returns:
        A PNG of the picture's chunks alone, as they were; what is wrong with the file, or empty; and whether pixels
        may be wrong by it. A transparency or an orientation whose checksum is wrong is left out, as browsers do.

    Raises:
        BadImage: If a chunk without which the picture cannot be understood is of an unknown kind.
    """
    parts, at, complaints = [START], len(START), []
    name = b""
    while name != b"IEND":
        head = content[at : at + 8]
        length, name = int.from_bytes(head[:4]), head[4:]
        end = at + 12 + length
        if len(head) < 8 or end > len(content):
            # Pillow says whether image data are missing
            parts.append(content[at:] if name in _OF_THE_PICTURE else b"")
            complaints.append((False, "the file ends before its chunk IEND"))
            break
        if not _NAME.fullmatch(name):
            complaints.append((True, f"a chunk of the name {name!r}"))
            break
        sound = zlib.crc32(content[at + 4 : end - 4]) == int.from_bytes(content[end - 4 : end])
        critical = name[:1].isupper()
        if not sound:
            touches = critical or name == b"tRNS"
            complaints.append((touches, f"wrong checksum of the chunk {name.decode()}"))
        elif critical and name not in _OF_THE_PICTURE:
            raise BadImage(UNSUPPORTED, f"PNG with the critical chunk {name.decode()}")
        if name in _OF_THE_PICTURE and (sound or critical):
            parts.append(content[at:end])
        at = end
    damaged, words = max(complaints, key=lambda found: found[0], default=(False, ""))
    return b"".join(parts), words, damaged
