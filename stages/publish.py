"""Stage publish: puts scores, plots, report and model card where Git keeps them.

The one stage whose outputs DVC does not cache. All others have a run-cache, so an experiment that was run before costs
this copy alone.
"""

import shutil
from pathlib import Path

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import replacing

REPORT = Path("data/report")
METRICS = Path("metrics")
CARD = Path("MODEL_CARD.md")


def main() -> None:
    """Writes MODEL_CARD.md, and all else of data/report/ to metrics/, where paper.csv stays as it is."""
    if not REPORT.is_dir():
        raise PipelineError(f"{REPORT}: missing; run the stage that writes it with `dvc repro`")
    for source in sorted(REPORT.iterdir()):
        target = CARD if source.name == CARD.name else METRICS / source.name
        with replacing(target) as temporary:
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, temporary)
    print(f"publish: {METRICS}/report.html, {METRICS}/report.md, {CARD}")


if __name__ == "__main__":
    run_stage(main)
