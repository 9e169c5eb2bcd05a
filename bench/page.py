"""The results page from made-up predictions: 20 rows, 1,653 test images, 114 classes, without TensorFlow.

    python -m bench.page [folder]

Assessing every row (metrics, intervals, tables), which `evaluate` does, and the stage `report` are timed apart, in CPU
time: it is one thread's work, and takes as long by the clock where nothing else runs. With a folder, results and
page stay in it, to be looked at.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import synthetic
from bench.table import ROOT, Figure, below, seconds, show
from stages import report
from stages.lib.core.params import load_params

CLASSES = [f"condition {number} of the skin, chronic form"[: 16 + number % 24].strip() for number in range(100, 214)]
IMAGES = 16_530


def measure(folder: str | None = None) -> list[Figure]:
    params_text = (ROOT / "params.yaml").read_text()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(folder or temporary).resolve()
        (root / "metrics").mkdir(parents=True, exist_ok=True)
        (root / "params.yaml").write_text(params_text)
        (root / "metrics/paper.csv").write_bytes((ROOT / "metrics/paper.csv").read_bytes())
        params = load_params(root / "params.yaml")
        manifest = synthetic.write_catalog(root, CLASSES, IMAGES)
        assess_s, assess_cpu_s = _timed(lambda: synthetic.write_results(root, params, manifest))
        os.chdir(root)
        try:
            report_s, report_cpu_s = _timed(report.main)
        finally:
            os.chdir(before)
    if "tensorflow" in sys.modules:
        raise RuntimeError("the report imported TensorFlow")
    what = f"everything reported, {len(params.rows)} rows, {IMAGES // 10:,} test images, {len(CLASSES)} classes"
    note = f"assessing {assess_s:.1f} s ({assess_cpu_s:.1f} of CPU), page {report_s:.1f} s ({report_cpu_s:.1f} of CPU)"
    return [below(what, 30, assess_cpu_s + report_cpu_s, "s of CPU", note)]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Returns the seconds that `work` takes by the clock and of the processor."""
    cpu_s = time.process_time()
    return seconds(work), time.process_time() - cpu_s


if __name__ == "__main__":
    show(measure(*sys.argv[1:]))
