"""Reading arguments, running Git and DVC, and saying in one line what could not be done."""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stages.lib.core.errors import PipelineError, run_stage


def start(main: Callable[[], None]) -> None:
    """Runs a tool's `main` as a stage's is run; one whose reader has seen enough (`| head`) ends quietly."""
    try:
        run_stage(main)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line like all others; make calls the tools, so their usage would help nobody."""

    def error(self, message: str):  # noqa: D102
        raise PipelineError(message)


def output_of(*command: str) -> str:
    """Runs a command and returns what it prints.

    Raises:
        PipelineError: With the command, ready to paste, and what it said, if it fails: all of it from Git, whose second
            line says what to do, else the line that tells the error.
    """
    done = run(*command)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        shown = next((line for line in said if line.startswith(("ERROR", "fatal", "error"))), said[-1])
        raise PipelineError(f"`{shlex.join(command)}`: {' '.join(said) if command[0] == 'git' else shown}")
    return done.stdout


def check_queue() -> None:
    """Makes sure that DVC can run an experiment in a copy of the tree (`--temp`, `--queue`).

    Raises:
        PipelineError: If it cannot: DVC writes the checkout's path into a file in ASCII.
    """
    here = str(Path.cwd())
    if not here.isascii():
        raise PipelineError(
            f"{here}: DVC cannot run queued or temporary experiments where a path is not plain ASCII; move the "
            f"checkout to a folder without accents, or run `dvc exp run` there, which works anywhere"
        )


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; what it starts finds this environment's programs first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True)
