"""How a stage tells a person what went wrong: one line, a non-zero exit, no traceback."""

import sys
from collections.abc import Callable


class PipelineError(Exception):
    """A fault in the input, not in the code.

    Its message is one line that names the file, row or key at fault and what to do about it.
    """


def run_stage(main: Callable[[], None]) -> None:
    """Runs a stage's `main`, turning a `PipelineError` into one line on stderr.

    Args:
        main: The stage's entry point. Any other exception is a bug and keeps its traceback. A stage that keeps
            what it has done raises KeyboardInterrupt with words that say so.

    Raises:
        SystemExit: With status 1 after a `PipelineError`, 130 after Ctrl-C.
    """
    try:
        main()
    except PipelineError as error:
        line = " ".join(str(error).split())
        sys.exit(f"error: {line}")
    except KeyboardInterrupt as interrupt:
        how = str(interrupt) or "nothing is half-written; the same command starts this stage again"
        print(f"interrupted: {how}", file=sys.stderr)
        sys.exit(130)
