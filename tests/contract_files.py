"""Which files stages open and leave behind, held to dvc.yaml and dvc.lock: checks of a pipeline that has run."""

import re

import yaml

from tests.contract import Checkout

FOLDERS_OF_OUTS = ("data", "models", "metrics")
TRACKED = re.compile(r"(data|models)/\.gitignore|metrics/paper\.csv")  # by Git
SCRATCH = re.compile(
    r"data/(checkpoints|parts)/.*"  # what interrupted stages go on from
    r"|data/cache/.*"  # what fetch keeps in DVC's cache, where there is no DVC
    r"|data/quarantine/.*"  # bodies that fetch put aside, for a person to look at
    r"|(.*/)?\.[^/]+\.partial(/.*)?"  # what becomes an out when it is whole
)

AUDIT = """
import os, sys
log = os.environ.get("OPENED_LOG")
if log and "-m" in sys.orig_argv:
    root, file = os.getcwd() + os.sep, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    command = " ".join(["python", *sys.orig_argv[sys.orig_argv.index("-m"):]])
    def opened(event, arguments):
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if path.startswith(root):
                os.write(file, f"{command}\\t{path.removeprefix(root)}\\n".encode())
    sys.addaudithook(opened)
"""
"""A `sitecustomize.py` by which every `python -m` writes down the files of its folder that it opens."""


def undeclared_openings(checkout: Checkout, log: str) -> list[str]:
    """Files below data, models and metrics that a stage opened, by the log of `AUDIT`, and has in no dep or out."""
    stages = yaml.load(checkout.text("dvc.lock"), Loader=yaml.CSafeLoader)["stages"]
    declared = {
        stage["cmd"]: (name, tuple(one["path"] for one in [*stage.get("deps", []), *stage.get("outs", [])]))
        for name, stage in stages.items()
    }
    faults = set()
    for command, _, path in (line.partition("\t") for line in log.splitlines()):
        if command in declared and path.split("/")[0] in FOLDERS_OF_OUTS:
            name, paths = declared[command]
            if not SCRATCH.fullmatch(path) and not any(path == one or path.startswith(f"{one}/") for one in paths):
                faults.add(f"{name}: opens {path}, which is in neither deps nor outs")
    return sorted(faults)


def undeclared_files(checkout: Checkout) -> list[str]:
    """Files below data, models and metrics, after stages have run, that are part of no stage's outs."""
    outs = []
    for stage in checkout.stages.values():
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
            path = next(iter(out)) if isinstance(out, dict) else out
            outs.append("[^/]+".join(re.escape(part) for part in re.split(r"\$\{[^}]+\}", path)))
    declared = re.compile("|".join(f"(?:{out})(?:/.*)?" for out in outs))
    files = [path for folder in FOLDERS_OF_OUTS for path in (checkout.root / folder).rglob("*") if path.is_file()]
    names = sorted(path.relative_to(checkout.root).as_posix() for path in files)
    known = (declared, TRACKED, SCRATCH)
    return [name for name in names if not any(pattern.fullmatch(name) for pattern in known)]
