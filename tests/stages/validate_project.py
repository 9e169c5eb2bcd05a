"""A checkout with the tables and noise for images that fetch writes; preprocess makes of them what validate reads."""

import hashlib
import io
import json

import numpy as np
import pandas as pd
from PIL import Image

from stages import preprocess, validate

OUTPUTS = ("data/manifest.csv", "data/dropped.csv", "data/classes.json", "data/validation.json")


def jpeg(seed: int, width: int = 50, height: int = 40) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


class Project:
    """A checkout with what fetch writes."""

    def __init__(self, root):
        self.root, self.rows, self.fetched = root, [], []
        self.rules = {"min_side_px": 32, "drop_wrongly_labelled": True}
        self.rules |= {"duplicates": "keep_first", "min_kept_fraction": 0.0}

    def add(self, content=None, label="acne", skin_type=3, qc="", status="ok", detail="", store=True) -> str:
        key = hashlib.md5(content or str(len(self.rows)).encode()).hexdigest()
        self.rows.append([key, skin_type, label, qc, f"http://x.invalid/{key}"])
        self.fetched.append([key, status, "url", detail])
        if content is not None and store:
            path = self.raw / "images" / key[:2] / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return key

    @property
    def raw(self):
        return self.root / "data/raw"

    def write(self, columns=("md5hash", "fitzpatrick_scale", "label", "qc", "url")):
        self.raw.mkdir(parents=True, exist_ok=True)
        names = ["md5hash", "fitzpatrick_scale", "label", "qc", "url"]
        catalog = pd.DataFrame(self.rows, columns=names)[list(columns)]
        catalog.to_csv(self.raw / "catalog.csv", index=False)
        fetched = pd.DataFrame(self.fetched, columns=["md5hash", "status", "source", "detail"])
        # fetch may finish in any order
        fetched[::-1].to_csv(self.raw / "fetch.csv", index=False)

    def decode(self, **options):
        self.write(**options)
        preprocess.main()

    def run(self, **options):
        self.decode(**options)
        validate.main()
        dropped = pd.read_csv(self.root / "data/dropped.csv", keep_default_na=False)
        summary = json.loads((self.root / "data/validation.json").read_text())
        return (
            pd.read_csv(self.root / "data/manifest.csv", dtype=str, keep_default_na=False),
            dropped,
            summary,
        )

    def outputs(self):
        return [name for name in OUTPUTS if (self.root / name).exists()]
