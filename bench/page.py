"""Times the whole report from made-up predictions: 20 rows, 1,653 test images, 114 classes, without TensorFlow.

    python -m bench.page [folder]

Assessing every row (metrics, intervals, tables) and the stage `report` are timed apart. With a folder, the results and
the page stay in it, to be looked at.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from bench import synthetic
from stages import report
from stages.lib.params import load_params

CLASSES = [f"condition {number} of the skin, chronic form"[: 16 + number % 24].strip() for number in range(100, 214)]
IMAGES = 18_370


def main() -> None:
    repository = Path.cwd()
    params_text = (repository / "params.yaml").read_text()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        (root / "metrics").mkdir(parents=True, exist_ok=True)
        (root / "params.yaml").write_text(params_text)
        (root / "metrics/paper.csv").write_bytes((repository / "metrics/paper.csv").read_bytes())
        params = load_params(root / "params.yaml")
        manifest = synthetic.write_catalog(root, params.dataset, CLASSES, IMAGES)
        start = time.perf_counter()
        synthetic.write_results(root, params, manifest)
        assessed = time.perf_counter()
        os.chdir(root)
        report.main()
        done = time.perf_counter()
        os.chdir(repository)
        assert "tensorflow" not in sys.modules
        size = (root / "metrics/report.html").stat().st_size
        print(f"assess {len(params.rows)} rows, with files   {assessed - start:6.1f} s")
        print(f"report                           {done - assessed:6.1f} s")
        print(f"both                             {done - start:6.1f} s")
        print(f"metrics/report.html              {size / 1e6:6.2f} MB")


if __name__ == "__main__":
    main()
