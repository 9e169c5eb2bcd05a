"""Nothing to do, at Fitzpatrick17k's size: `dvc status` and `dvc repro` when all is up to date.

A temporary repository with this checkout's stages, params and metrics gets 16,577 small raw files, 2.5 GB of tensors
and features of all backbones, all drawn, and a small file for everything else; `dvc commit` takes them for results.
Takes about 4 GB of disk and a minute or two, most of it DVC's first hashing. The cache is hard-linked, which saves a
copy of everything; whether something is to be done is told from times and sizes, and so costs the same with copies.

`python -m bench.nothing 500` takes fewer images.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from dvc.repo import Repo

from bench.scale import fill, keys_of
from bench.table import ROOT, Figure, below, seconds, show
from stages.lib.core.params import load_params
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import TENSORS, features_dir

IMAGES = 16577
WIDTH = {"vgg16": 25088, "inceptionv3": 2048, "resnet101v2": 2048, "mobilenetv2": 1280}
COPIED = ("stages", "metrics", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml")


def run(folder: Path, *command: str) -> str:
    """Runs a command of this environment in the repository."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{
            f"GIT_{who}_{what}": "bench@example.invalid"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def measure(images: int = IMAGES) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in COPIED:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
        run(folder, "git", "init", "-q")
        raw = folder / "data/raw"
        for key in keys_of(images):
            path = raw / "images" / key[-2:] / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(key.encode())
        fill(folder / TENSORS, images, (224, 224, 3), np.uint8)
        for backbone in BACKBONES:
            fill(folder / features_dir(backbone), images, (WIDTH[backbone],), np.float16)
        with Repo(folder) as repo:  # knows what dvc.yaml's templates stand for
            used = [Path(item.fs_path) for item in (*repo.index.outs, *repo.index.deps)]
        for path in used:
            if not path.exists():
                path = path if path.suffix else path / "drawn.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{path}\n")
        run(folder, "dvc", "config", "cache.type", "hardlink")
        run(folder, "dvc", "commit", "-f")
        run(folder, "git", "add", "-A")
        run(folder, "git", "commit", "-q", "-m", "bench")
        figures = []
        for command in ("status", "repro"):
            said = run(folder, "dvc", command)
            if "up to date" not in said:
                raise RuntimeError(f"dvc {command}: something was to be done: {said[-1000:]}")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken_s = min(seconds(lambda command=command: run(folder, "dvc", command)) for _ in range(3))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 3
            note = f"{images:,} images; {cpu_s:.1f} s of CPU"
            figures.append(below(f"nothing to do, dvc {command}", 5, taken_s, "s", note))
    return figures


if __name__ == "__main__":
    show(measure(*map(int, sys.argv[1:])))
