"""Stage publish: copies scores, plots, report and model card to metrics/ and MODEL_CARD.md, which Git keeps.

It is the one stage whose outputs DVC does not cache, so DVC runs it whenever the report changed; it copies files only.
"""

import shutil

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import replacing
from stages.lib.core.paths import CARD, METRICS, REPORT


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
