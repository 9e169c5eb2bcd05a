"""How a stage tells a person what went wrong: one line, a non-zero exit, no traceback."""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EACCES: "make it readable and writable for you",
    errno.EPERM: "make it readable and writable for you",
    errno.EROFS: "make the checkout writable, or work in a copy of it",
    errno.EIO: "the disk reports an error; have a look at it, or work on another",
    errno.ESTALE: "the disk reports an error; have a look at it, or work on another",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of the whole machine",
    errno.ENOMEM: "free some memory",
    errno.EAGAIN: "raise the limit of processes (ulimit -u)",
    errno.ENOTDIR: "a file is where a folder should be; move it away",
    errno.EISDIR: "a folder is where a file should be; move it away",
    errno.EEXIST: "something else is where it should be; move it away",
    errno.ENAMETOOLONG: "move the checkout to a shorter path",
    errno.ENOENT: "bring it back, or make it with `dvc repro`",
}
"""What to do about faults of files and disks, by error number."""
ALMOST_NOTHING_BYTES = 2**20
"""With less than that left, whatever failed is taken to have failed for want of space."""


class PipelineError(Exception):
    """A fault in the input, not in the code.

    Its message is one line that names the file, row or key at fault and what to do about it.
    """


def run_stage(main: Callable[[], None]) -> None:
    """Runs a stage's `main`, turning faults of the input, the disk and the memory into one line on stderr.

    Args:
        main: The stage's entry point. Any other exception is a bug and keeps its traceback. A stage that keeps
            what it has done raises KeyboardInterrupt with words that say so.

    Raises:
        SystemExit: With status 1 after such a fault, 130 after Ctrl-C.
    """
    try:
        main()
    except PipelineError as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # whoever reads what is printed has gone; `tools.commands` knows what that means
    except KeyboardInterrupt as interrupt:
        how = str(interrupt) or "nothing is half-written; the same command starts this stage again"
        print(f"interrupted: {how}", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        said = explain(error)
        if said is None:
            raise
        # files of HDF5 that cannot be closed either would say so at length, in both of Python's ways
        sys.unraisablehook = sys.excepthook = lambda *_: None
        fail(said)


def fail(message: str) -> None:
    """Ends the process with status 1 and one line on stderr."""
    line = " ".join(message.split())
    sys.exit(f"error: {line}")


def explain(error: BaseException) -> str | None:
    """Puts a fault of disk or memory into words: which file, what is wrong, what to do.

    HDF5, numpy and TensorFlow tell some of them without an error number. So the numbers in their messages are looked
    at too, and whether the disk is full, which they may not say at all.

    Args:
        error: What a stage raised.

    Returns:
        One sentence; None if it is none of these faults.
    """
    chain = [error]
    while chain[-1].__cause__:
        chain.append(chain[-1].__cause__)
    free = _free_bytes()
    for fault in chain:
        if isinstance(fault, OSError):
            number = fault.errno or next((number for number in REMEDIES if f"errno = {number}," in str(fault)), None)
            if number in REMEDIES:
                left = f" ({size(free)} left)" if number == errno.ENOSPC else ""
                return f"{_where(fault)}: {os.strerror(number)}{left}; {REMEDIES[number]}, then run the same command"
    if free < ALMOST_NOTHING_BYTES:
        cause = f"{size(free)} left; {type(error).__name__}: {error}"
        return f"{_where(error)}: {os.strerror(errno.ENOSPC)} ({cause}); free some space, then run the same command"
    if isinstance(error, OSError) and error.errno:
        return f"{_where(error)}: {error.strerror}"
    if isinstance(error, OSError) and "requested and" in str(error):  # numpy's words for a write that came to an end
        return (
            f"{_where(error)}: not all of it could be written ({error}); free some space, or raise your quota or the "
            f"limit of a file's size (ulimit -f), then run the same command"
        )
    if any(isinstance(one, MemoryError) or type(one).__name__ == "ResourceExhaustedError" for one in chain):
        said = str(error)[:200] or "no more could be had"
        return f"not enough memory ({said}); close other programs or lower batch_size, then run the same command"
    return None


def size(n_bytes: float) -> str:
    """Returns a number of bytes with the unit that suits it: `512 kB`, `1.4 MB`, `12 GB`."""
    power = min(max(len(str(int(n_bytes))) - 1, 0) // 3, 4)
    value = n_bytes / 1000**power
    return f"{value:.{int(power > 0 and value < 10)}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def _where(error: BaseException) -> str:
    names = [name for name in (getattr(error, "filename", None), getattr(error, "filename2", None)) if name is not None]
    return " to ".join(map(str, names)) or str(Path.cwd())


def _free_bytes() -> int:
    """Returns how much can still be written to the fullest disk of a checkout, whose folders may be links."""
    return min(shutil.disk_usage(folder).free for folder in (".", "data", "models") if Path(folder).is_dir())
