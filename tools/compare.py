"""`make compare`: what each experiment changed and how a row scored in it on validation images, best first.

Test images are looked at once something was chosen, not to choose: their scores are not shown.
"""

import textwrap

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from tools.commands import Parser, start
from tools.experiments import SCORES, Experiment, read_experiments

WIDTH = 120
NAME_WIDTH = 24
HEADINGS = [metric.label for metric in SCORES.values()]
CHANGES_WIDTH = WIDTH - NAME_WIDTH - 2 - sum(2 + len(heading) for heading in HEADINGS)


def main() -> None:
    """Prints the table."""
    parser = Parser(description=__doc__)
    parser.add_argument("--row", default="model", help="`model` or `tables.<row>`")
    parser.add_argument("--by", default="accuracy", choices=SCORES)
    arguments = parser.parse_args()
    load_params().row(arguments.row)
    experiments = read_experiments(arguments.row)
    # the workspace is a line of its own only where it differs from the commit
    if not experiments[0].changes and experiments[0].scores == experiments[1].scores:
        experiments = experiments[1:]
    if not any(experiment.scores for experiment in experiments):
        raise PipelineError(f"{arguments.row}: no scores yet; run `dvc repro`, then experiments from its commit")
    print(f"{arguments.row} on validation images, best {SCORES[arguments.by].label} first")
    print(table(experiments, arguments.by, arguments.row))


def table(experiments: list[Experiment], by: str, row: str) -> str:
    """Draws the experiments as text.

    Args:
        experiments: In any order.
        by: The score that says which is best.
        row: Whose settings go without a prefix.

    Returns:
        Lines of at most 120 characters; experiments without scores come last, with their state.
    """
    lines = [f"{'experiment':{NAME_WIDTH}}  {'changed':{CHANGES_WIDTH}}" + _cells(HEADINGS)]
    lines.append("-" * WIDTH)
    for experiment in sorted(experiments, key=lambda one: _rank(one, by)):
        changes = [f"{key.removeprefix(f'{row}.')}={_shown(value)}" for key, value in experiment.changes.items()]
        wrapped = textwrap.wrap(" ".join(changes) or "-", CHANGES_WIDTH, break_on_hyphens=False)
        scores = [f"{experiment.scores[name]:.3f}" if name in experiment.scores else "-" for name in SCORES]
        cells = _cells(scores) if experiment.scores else f"  {experiment.state}"
        lines.append(f"{_short(experiment.name):{NAME_WIDTH}}  {wrapped[0]:{CHANGES_WIDTH}}{cells}".rstrip())
        lines += [f"{'':{NAME_WIDTH}}  {rest}" for rest in wrapped[1:]]
    return "\n".join(lines)


def _rank(experiment: Experiment, by: str) -> tuple[float, ...]:
    """Sorts the best first, of equals the one with the lower loss, and last what has no such score."""
    if by not in experiment.scores:
        return (float("inf"),)
    value = experiment.scores[by]
    return (value if SCORES[by].lower_is_better else -value, experiment.scores["loss"])


def _cells(texts) -> str:
    return "".join(f"  {text:>{len(heading)}}" for heading, text in zip(HEADINGS, texts, strict=True))


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    start(main)
