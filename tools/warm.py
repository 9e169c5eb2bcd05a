"""Runs a command beside a warm process, from which its stages are forked: `python -m tools.warm dvc repro`.

The pipeline has some fifty short stages with a network, and each would spend five seconds on imports before its first
step. Here one process imports TensorFlow for a whole run. The command finds a `python` of ours first on its PATH
(`tools/warm_client.py`); asked for such a stage, it has the stage run in a fork of the warm process and only passes on
its exit status. Each stage still is a process of its own that begins with nothing but imported libraries, so results
are the same as without, and stages know nothing of it.
"""

import contextlib
import json
import os
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from stages.lib.backbone import backend

CLIENT = Path(__file__).with_name("warm_client.py")
SOCKET = "socket"
"""Its name in the run's folder. Both ends go into that folder first: the whole path can be too long for a socket."""
INTERRUPT = b"i"


def run(command: Sequence[str]) -> int:
    """Runs a command beside a warm process; returns the command's exit status."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        _write_python(Path(folder))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.chdir(folder):
            listener.bind(SOCKET)
        listener.listen()
        server = os.fork()
        if server == 0:
            _serve(listener)
        listener.close()
        try:
            # the command gets Ctrl-C from the terminal itself, and decides what it means
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
            environment = os.environ | {"PATH": path}
            return subprocess.run(command, env=environment, preexec_fn=_default_signals, check=False).returncode
        except FileNotFoundError:
            print(f"error: {command[0]}: no such command", file=sys.stderr)
            return 127
        finally:
            os.kill(server, signal.SIGTERM)
            os.waitpid(server, 0)


def _write_python(folder: Path) -> None:
    """Writes the `python` that the run finds first. It imports nothing of the environment, so it starts in no time."""
    call = shlex.join([sys.executable, "-IS", str(CLIENT), sys.executable, str(folder / SOCKET)])
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
    python.chmod(0o755)


def _default_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _serve(listener: socket.socket) -> None:
    """Forks one child per stage; imports the libraries when the first one comes, so that an idle run costs nothing."""
    os.setpgrp()  # Ctrl-C reaches a stage through the process that handed it over, once
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children's status goes to whoever handed them over
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    warm = False
    while True:
        connection, _ = listener.accept()
        if not warm:
            with contextlib.suppress(Exception):  # the stage that wants them meets the same fault, and tells it
                backend.import_libraries()
            warm = True
        if os.fork() == 0:
            listener.close()
            _run(connection)
        connection.close()


def _end_with(parent: int) -> None:
    """Ends the warm process once the run that started it is gone, even if that was killed."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1.0)
    os._exit(0)


def _run(connection: socket.socket) -> None:
    """Becomes the stage that a connection hands over; never returns."""
    header, streams, _, _ = socket.recv_fds(connection, 4, 3)
    if not header:  # whoever connected is gone
        os._exit(0)
    size, message = int.from_bytes(header, "big"), b""
    while len(message) < size:
        message += connection.recv(size - len(message))
    stage = json.loads(message)
    for stream, place in zip(streams, (0, 1, 2), strict=True):
        os.dup2(stream, place)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(stage["folder"])
    os.environ.clear()
    os.environ.update(stage["environment"])
    sys.argv = stage["argv"]
    sys.path[0] = stage["folder"]
    # the project's own code is read again, from the folder of the stage
    for name in [name for name in sys.modules if name.split(".")[0] == "stages"]:
        del sys.modules[name]
    threading.Thread(target=_heed, args=[connection], daemon=True).start()
    status = 1
    try:
        runpy.run_module(stage["module"], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        else:
            status = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        connection.sendall(bytes([status & 0xFF]))
    os._exit(status)


def _heed(connection: socket.socket) -> None:
    """Interrupts this stage when told to, and ends it when the process that waits for it is gone."""
    while connection.recv(1) == INTERRUPT:
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(130)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("error: no command to run: python -m tools.warm dvc repro")
    sys.exit(run(sys.argv[1:]))
