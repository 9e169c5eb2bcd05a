"""The `python` of a run under `tools.warm`: the warm process runs stages with a network, the real Python all else.

Called as `python -IS warm_client.py PYTHON SOCKET ARGUMENTS...`. Uses the standard library alone: every stage
starts with it.
"""

import json
import os
import signal
import socket
import sys

MODULES = ("stages.features", "stages.train", "stages.evaluate", "stages.explain")
"""What is handed over: the stages whose imports take longer than that."""
INTERRUPT = b"i"


def main(python: str, address: str, arguments: list[str]) -> int:
    """Hands `python -m <one of MODULES> ...` over and waits for it; becomes the real `python` for anything else."""
    connection = connected(address) if arguments[:1] == ["-m"] and arguments[1:2] and arguments[1] in MODULES else None
    if connection is None:
        os.execv(python, [python, *arguments])
    stage = {
        "module": arguments[1],
        "argv": ["-m", *arguments[2:]],
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes as long to import as all of this
        "environment": dict(os.environ),
    }
    message = json.dumps(stage).encode()
    socket.send_fds(connection, [len(message).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(message)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: connection.sendall(INTERRUPT))
    status = connection.recv(1)
    if not status:
        print("error: the stage's process was killed; the same command runs it again", file=sys.stderr)
        return 1
    return status[0]


def connected(address: str) -> socket.socket | None:
    """Connects to the warm process; None once the run that it belonged to is over."""
    folder, name = os.path.split(address)
    here = os.open(".", os.O_RDONLY)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.chdir(folder)
        connection.connect(name)
    except OSError:
        return None
    finally:
        os.fchdir(here)
        os.close(here)
    return connection


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
