"""What the benchmarks of fetch share: a folder with a catalog and parameters, and running the stage in it."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from stages.lib.core.paths import RAW

ROOT = Path(__file__).parents[1]
STAGE = [sys.executable, "-m", "stages.fetch"]


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def draw_jpegs(n: int, side_px: int = 192, seed: int = 7) -> list[bytes]:
    """Returns different JPEGs of some 25 kB each."""
    random = np.random.default_rng(seed)
    bodies = []
    for i in range(n):
        coarse = random.integers(0, 256, (side_px // 4, side_px // 4, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
        cv2.putText(pixels, str(i), (5, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255))
        bodies.append(cv2.imencode(".jpg", pixels)[1].tobytes())
    return bodies


def prepare(folder: Path, urls: Mapping[str, str], **fetch_settings) -> None:
    """Writes catalog.csv (MD5: URL) and params.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = cycle(("acne", "eczema"))
    rows = [{"md5hash": key, "fitzpatrick_scale": 2, "label": next(labels), "url": url} for key, url in urls.items()]
    pd.DataFrame(rows).to_csv(folder / "catalog.csv", index=False)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["dataset"] = "mine"
    content["datasets"]["mine"] = {
        "catalog": "catalog.csv",
        "sha256": None,
        "mirror": None,
        "weights": "random",
        "max_epochs": 1,
        "max_image_size_px": None,
        "side_inputs": {"fitzpatrick_scale": "categorical"},
    }
    content["fetch"] |= fetch_settings
    (folder / "params.yaml").write_text(yaml.safe_dump(content))


def start(folder: Path, command: list[str] = STAGE) -> subprocess.Popen:
    """Starts a stage in the folder, its output in `log.txt` there."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)


def run(folder: Path, command: list[str] = STAGE) -> None:
    """Runs a stage in the folder to its end."""
    if start(folder, command).wait() != 0:
        sys.exit(f"{' '.join(command)} failed:\n{(folder / 'log.txt').read_text()[-2000:]}")


def fetched(folder: Path) -> pd.DataFrame:
    """Reads fetch.csv, by key."""
    return pd.read_csv(folder / RAW / "fetch.csv", dtype=str, keep_default_na=False).set_index("md5hash")


def stored(folder: Path) -> dict[str, bytes]:
    """Returns every file among the images, by its path."""
    root = folder / RAW / "images"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def arrived(folder: Path) -> dict[str, bytes]:
    """Returns every body that fetch keeps for the next run, by its path; these folders are no DVC repository."""
    root = folder / "data/cache/files/md5"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
