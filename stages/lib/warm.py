"""One process imports TensorFlow for a whole run, and the stages are forked from it.

The pipeline has some fifty short stages with a network, and each would spend five seconds on imports before its first
step. `python -m tools.warm dvc repro` (what `make repro` does) runs a command beside a warm process; a stage
that finds one hands itself over and only passes on its exit status. A stage run on its own starts as usual. Either
way it is a process of its own that begins with nothing but imported libraries, so results are the same.
"""

import contextlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from stages.lib.backbone import backend

ADDRESS = "FITZPATRICK_WARM_SOCKET"
"""Environment variable: the Unix socket of the warm process, for the stages of one run."""
INTERRUPT = b"i"


def hand_over(modules: Collection[str]) -> None:
    """Lets the warm process run what `python -m` was asked for, if there is one; returns if there is none.

    Args:
        modules: What may be handed over.

    Raises:
        SystemExit: With the status of the module, once it has ended.
    """
    asked = sys.orig_argv[sys.orig_argv.index("-m") + 1] if "-m" in sys.orig_argv else ""
    address = os.environ.pop(ADDRESS, None) if asked in modules else None
    if address is None:
        return
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address)
    except OSError:  # the run that it belonged to is over
        return
    stage = {
        "module": asked,
        "argv": sys.argv,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    message = json.dumps(stage).encode()
    socket.send_fds(connection, [len(message).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(message)
    sys.exit(_await_status(connection))


def _await_status(connection: socket.socket) -> int:
    """Waits for the stage to end, passing on Ctrl-C and a request to end."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: connection.sendall(INTERRUPT))
    status = connection.recv(1)
    if not status:
        print("error: the stage's process was killed; the same command runs it again", file=sys.stderr)
        return 1
    return status[0]


def run(command: Sequence[str]) -> int:
    """Runs a command beside a warm process; returns the command's exit status."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        address = str(Path(folder) / "socket")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen()
        server = os.fork()
        if server == 0:
            _serve(listener)
        listener.close()
        try:
            # the command gets Ctrl-C from the terminal itself, and decides what it means
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return subprocess.run(
                command, env=os.environ | {ADDRESS: address}, preexec_fn=_default_signals, check=False
            ).returncode
        except FileNotFoundError:
            print(f"error: {command[0]}: no such command", file=sys.stderr)
            return 127
        finally:
            os.kill(server, signal.SIGTERM)
            os.waitpid(server, 0)


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
    # the project's own code is read anew, from the folder of the stage
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
