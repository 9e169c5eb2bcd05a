"""Damaged images of eight formats through preprocess and validate: `python -m bench.mutations 20000 [SEED]`.

Headers, chunks and bodies are cut, zeroed, overwritten, moved or doubled. Counts what became of the images, and fails
where one was kept without a note although a strict decoder complains of it: libjpeg-turbo's strict mode for JPEG, and
OpenCV's decoders, which stop where libpng, libwebp, libtiff and its own for GIF and BMP do, for the others.
"""

import hashlib
import io
import random
import sys
import tempfile
from collections import Counter
from contextlib import chdir
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import simplejpeg
from PIL import Image

from bench.table import ROOT
from stages import preprocess, validate
from stages.lib.core.files import read_csv
from stages.lib.core.paths import DECODED, DROPPED, MANIFEST, RAW

KINDS = {
    "JPEG": ("JPEG", {"quality": 85}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "JPEG with restarts": ("JPEG", {"restart_marker_blocks": 8}),
    "CMYK JPEG": ("JPEG", {}),
    "PNG": ("PNG", {}),
    "palette PNG": ("PNG", {}),
    "GIF": ("GIF", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {}),
    "LZW TIFF": ("TIFF", {"compression": "tiff_lzw"}),
    "deflate TIFF": ("TIFF", {"compression": "tiff_adobe_deflate"}),
}
"""Kinds of files of eight formats: baseline and progressive JPEG, PNG, GIF, lossy and lossless WebP, BMP, TIFF."""
MODES = {"CMYK JPEG": "CMYK", "palette PNG": "P", "GIF": "P"}


def encode(kind: str, seed: int) -> bytes:
    """Draws a small picture with the detail of a photograph and encodes it."""
    noise = np.random.default_rng(seed)
    coarse = Image.fromarray(noise.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (96, 72), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(coarse) + noise.normal(0, 6, (72, 96, 3))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert(MODES.get(kind, "RGB"))
    buffer, (name, options) = io.BytesIO(), KINDS[kind]
    image.save(buffer, name, **options)
    return buffer.getvalue()


def mutate(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Damages a file in one of eight ways; returns which, and what came of it."""
    body, size = bytearray(content), len(content)
    at = draw.randrange(size)
    length = draw.randint(1, max(1, size // 8))
    way = draw.choice(("flip", "cut", "cut and closed", "zeroed tail", "overwritten", "removed", "doubled", "header"))
    if way == "flip":
        for _ in range(draw.choice((1, 2, 8, 40))):
            body[draw.randrange(size)] ^= 1 << draw.randrange(8)
    elif way == "cut":
        del body[at:]
    elif way == "cut and closed":
        del body[at:]
        body += {b"\xff\xd8": b"\xff\xd9", b"GI": b";", b"\x89P": content[-12:]}.get(content[:2], b"")
    elif way == "zeroed tail":
        body[at:] = bytes(size - at)
    elif way == "overwritten":
        body[at : at + length] = draw.randbytes(len(body[at : at + length]))
    elif way == "removed":
        del body[at : at + length]
    elif way == "doubled":
        body[at:at] = body[at : at + length]
    else:
        for _ in range(draw.choice((1, 2, 4))):
            body[draw.randrange(min(size, 64))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return way, bytes(body)


def strict_complaint(content: bytes) -> str:
    """Says what a strict decoder has against a file; empty: nothing."""
    try:
        if content.startswith(b"\xff\xd8\xff"):
            simplejpeg.decode_jpeg(content, strict=True)
            return ""
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except (ValueError, cv2.error) as error:
        return str(error)
    return "cannot be decoded" if image is None else ""


def run(number: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mutates `number` images and sends them through the two stages, in the working folder.

    Returns:
        By key: `kind`, `way` and `strict`, what a strict decoder says; and data/decoded.csv with `kept`.
    """
    draw, raw = random.Random(seed), RAW
    files: dict[str, list[str]] = {}
    for count in range(number):
        kind = list(KINDS)[count % len(KINDS)]
        way, content = mutate(encode(kind, draw.randrange(64)), draw)
        key = hashlib.md5(content).hexdigest()
        files[key] = [kind, way, strict_complaint(content)]
        path = raw / "images" / key[:2] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    of = pd.DataFrame.from_dict(files, orient="index", columns=["kind", "way", "strict"])
    labels = [("acne", "eczema")[number % 2] for number in range(len(of))]
    catalog = pd.DataFrame({"md5hash": of.index, "fitzpatrick_scale": 2, "label": labels, "url": ""})
    catalog.to_csv(raw / "catalog.csv", index=False)
    catalog[["md5hash"]].assign(status="ok", md5_seen=of.index, detail="").to_csv(raw / "fetch.csv", index=False)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    preprocess.main()
    validate.main()
    decoded = read_csv(DECODED, ["md5hash"]).set_index("md5hash").loc[of.index]
    kept = read_csv(MANIFEST, ["md5hash"])["md5hash"]
    dropped = read_csv(DROPPED, ["md5hash"]).set_index("md5hash")["reason"]
    return of, decoded.assign(kept=decoded.index.isin(kept), dropped=dropped.reindex(decoded.index))


def unnoted(of: pd.DataFrame, decoded: pd.DataFrame) -> pd.DataFrame:
    """Returns the images with a tensor and no complaint of which a strict decoder complains."""
    silent = (decoded["reason"] == "") & (decoded["complaint"] == "")
    return of[silent & (of["strict"] != "")]


def main() -> None:
    words = sys.argv[1:]
    number, seed = int(words[0]) if words else 20_000, int(words[1]) if words[1:] else 0
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        of, decoded = run(number, seed)
    print(pd.crosstab(of["kind"], decoded["dropped"].fillna("kept")).to_string())
    print(pd.crosstab(of["way"], decoded["dropped"].fillna("kept")).to_string())
    words = Counter(
        "".join(c for c in text if not c.isdigit())[:70] for text in decoded["detail"] + decoded["complaint"]
    )
    for text, count in words.most_common(40):
        print(f"{count:7,} {text}")
    silent = unnoted(of, decoded)
    print(f"{len(of):,} images; {len(silent)} without a note although a strict decoder complains")
    if len(silent):
        sys.exit(silent.to_string())


if __name__ == "__main__":
    main()
