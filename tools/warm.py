"""Runs a command with a process beside it from which its stages are forked: `python -m tools.warm dvc repro`."""

import sys

from stages.lib import warm

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("error: no command to run: python -m tools.warm dvc repro")
    sys.exit(warm.run(sys.argv[1:]))
