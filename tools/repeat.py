"""`make seeds` and `make folds`: one setting of a row several times over, with the mean and spread of its scores.

They are those on validation images. Each repetition is a DVC experiment in a checkout of its own
(`dvc exp run --temp`), so the working tree stays as it is; one that was made before, with the same settings on the same
commit, is not made again.
"""

import json
import statistics

import dvc.api
from dvc.exceptions import DvcException
from tqdm import tqdm

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params, row_name
from tools.commands import Parser, check_queue, output_of, start
from tools.experiments import SCORES, repetition_name


def main() -> None:
    """Runs what is missing and prints each repetition, the mean and the standard deviation, on validation images."""
    parser = Parser(description=__doc__)
    parser.add_argument("over", choices=("seeds", "folds"), help="what differs between the repetitions")
    parser.add_argument("--count", type=int, default=5, help="how many seeds, counted from 1")
    parser.add_argument("--row", default="model", help="`model` or `tables.<row>`")
    parser.add_argument("-S", "--set-param", action="append", default=[], metavar="KEY=VALUE", help="as of dvc exp run")
    arguments = parser.parse_args()
    params = load_params()
    params.row(arguments.row)
    if arguments.count < 2:
        raise PipelineError(f"--count {arguments.count}: a spread needs at least 2 repetitions")
    if output_of("git", "status", "--porcelain", "--untracked-files=no"):
        raise PipelineError("there are uncommitted changes, and repetitions start from the commit: commit them first")

    changes = [f"seed={seed}" for seed in range(1, arguments.count + 1)]
    if arguments.over == "folds":
        changes = [f"split.fold={fold}" for fold in range(params.split.folds)]
    scores = {
        change: repetition(arguments.row, [*arguments.set_param, change]) for change in tqdm(changes, unit="experiment")
    }
    print(table({change: found["val"] for change, found in scores.items()}))


def repetition(row: str, changes: list[str]) -> dict[str, dict[str, float]]:
    """Returns a row's scores, by split, with some params changed, from the experiment that has them or from a new one.

    They are read from DVC's cache: what Git has under metrics/ is written by `publish`, which would need all rows.

    Raises:
        PipelineError: With the line that its stage said, if it fails.
    """
    name = repetition_name(row, changes, output_of("git", "rev-parse", "HEAD").strip())
    references = ("git", "for-each-ref", "--format=%(refname)", f"refs/exps/**/{name}")
    if not output_of(*references):
        check_queue()
        options = [option for change in changes for option in ("-S", change)]
        target = "evaluate" if row == "model" else f"evaluate-table@{row_name(row)}"
        output_of("dvc", "exp", "run", "--temp", "--name", name, *options, target)
    (reference,) = output_of(*references).split()
    try:
        return json.loads(dvc.api.read(f"data/evaluations/{row_name(row)}/scores.json", repo=".", rev=reference))
    except (OSError, DvcException) as error:
        raise PipelineError(
            f"{name}: its scores are not in DVC's cache ({' '.join(str(error).split())}); make it again after "
            f"`dvc exp remove {name}`"
        ) from None


def table(scores: dict[str, dict[str, float]]) -> str:
    """Draws a Markdown table: a line per repetition, then mean ± sample standard deviation."""
    labels = [metric.label for metric in SCORES.values()]
    lines = [f"| | {' | '.join(labels)} |", "|---" + "|--:" * len(labels) + "|"]
    for change, values in scores.items():
        lines.append(f"| {change} | " + " | ".join(f"{values[name]:.3f}" for name in SCORES) + " |")
    columns = [[values[name] for values in scores.values()] for name in SCORES]
    spread = " | ".join(f"{statistics.mean(column):.3f} ± {statistics.stdev(column):.3f}" for column in columns)
    return "\n".join([*lines, f"| mean ± sd of {len(scores)} | {spread} |"])


if __name__ == "__main__":
    start(main)
