"""A site of six images on loopback, a catalog of them, and what the stage fetch made of both."""

import hashlib
import time
from pathlib import Path

import pandas as pd
import yaml

from tests.faulty_server import SETTINGS

ROOT = Path(__file__).parents[2]
BODIES = [f"image {i} ".encode() * 50 for i in range(6)]


def md5(body):
    return hashlib.md5(body).hexdigest()


KEYS = [md5(body) for body in BODIES]


class Site:
    """Serves `pages` (path: status and body) after `delay_s`."""

    def __init__(self, server):
        self.url, self.asked, self.delay_s = server.url, server.asked, 0.0
        self.pages = {f"/{i}.jpg": (200, body) for i, body in enumerate(BODIES)}
        server.default = self.answer

    def answer(self, handler, seen):
        time.sleep(self.delay_s)
        handler.answer(*self.pages.get(handler.path, (404, b"gone")))


def write_catalog(urls, keys=KEYS):
    rows = pd.DataFrame({"md5hash": key, "url": url} for key, url in zip(keys, urls, strict=False))
    labels = [("acne", "eczema")[number % 2] for number in range(len(rows))]
    rows.assign(fitzpatrick_scale=2, label=labels).to_csv("catalog.csv", index=False)


def configure(settings=None, **dataset):
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["dataset"] = "mine"
    defaults = {"catalog": "catalog.csv", "sha256": None, "mirror": None, "weights": "random"}
    defaults |= {"max_epochs": 1, "max_image_size_px": None, "side_inputs": {"fitzpatrick_scale": "categorical"}}
    content["datasets"]["mine"] = defaults | dataset
    content["fetch"] = SETTINGS | {"retries": 1, "read_timeout_s": 5.0, "max_image_mb": 0.1} | (settings or {})
    Path("params.yaml").write_text(yaml.safe_dump(content))


def table():
    return pd.read_csv("data/raw/fetch.csv", dtype=str, keep_default_na=False)


def images():
    return sorted(path.name for path in Path("data/raw/images").rglob("*") if path.is_file())


def snapshot():
    return {path: path.read_bytes() for path in Path("data/raw").rglob("*") if path.is_file()}
