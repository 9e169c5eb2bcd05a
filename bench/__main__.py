"""All benches, one table: `python -m bench`, or some of them: `python -m bench augmentation preprocess`.

`--full` adds what takes many minutes: features at 16,577 images, and the whole sample in a new checkout.
Each runs in a process of its own, so that one's memory and threads do not weigh on the next; ends with `bench.<name>`,
the command that repeats it.
"""

import argparse
import os
import re
import subprocess
import sys

from bench.table import ROOT, one_of

QUICK = ("augmentation", "preprocess", "pixels", "features", "sweep", "page", "nothing", "scale")
HEADER = "| what | against | goal | measured | met | note | repeat |\n|---|---|---|---|---|---|---|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    every = (*QUICK, "sample")
    parser.add_argument("names", nargs="*", default=QUICK, type=one_of(*every), help=", ".join(every))
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    names = [*given.names] + ["sample"] * (given.full and "sample" not in given.names)
    rows, quiet = [], os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in names:
        command = ["-m", f"bench.{name}"] + ["--full"] * (given.full and name == "scale")
        print(f"bench.{name} ...", file=sys.stderr)
        done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=quiet)
        if done.returncode:
            sys.exit(f"bench.{name} failed")
        lines = done.stdout.splitlines()
        rows += [f"{line} `python {' '.join(command)}` |" for line in lines if re.match(r"\| (?!what )", line)]
        print("\n".join(line for line in lines if line and not line.startswith("|")))
    print("\n".join(["", HEADER, *rows]))


if __name__ == "__main__":
    main()
