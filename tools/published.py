"""`make published ROW=tables.resnet101v2-type-d40`: what each known fault of the published run is worth, for one row.

The faults: pixels divided by 255 where the network expects another normalisation; BGR pixels (in table 4 only); the
skin type as a raw number, -1 for unknown included; the last epoch's weights instead of the best one's; and an F1 of
probabilities, averaged over batches, as monitor. Each is tried alone, then all of them together, as DVC experiments.
"""

from tqdm import tqdm

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import Row
from tools.commands import Parser, output_of, start
from tools.repeat import repetition

NONE, ALL = "as corrected", "all of them, as published"


def main() -> None:
    """Runs what is missing and prints accuracy and macro F1 with each fault, and the difference that it makes."""
    parser = Parser(description=__doc__)
    parser.add_argument("--row", default="tables.resnet101v2-type-d40", help="`model` or `tables.<row>`")
    key = parser.parse_args().row
    params = load_params()
    changes = faults(key, params.row(key), params.dataset)
    if output_of("git", "status", "--porcelain", "--untracked-files=no"):
        raise PipelineError("there are uncommitted changes, and experiments start from the commit: commit them first")
    print(table({name: repetition(key, of) for name, of in tqdm(changes.items(), unit="experiment")}))


def faults(key: str, row: Row, dataset: str) -> dict[str, list[str]]:
    """Returns what the published run did otherwise with a row: the changes of params, by what they are.

    Args:
        key: `model` or `tables.<row>`.
        row: Its settings.
        dataset: The active one.
    """
    found = {}
    if row.architecture in BACKBONES:
        found["pixels / 255"] = [f"backbones.{row.architecture}.rescale=unit"]
    if row.side_inputs:  # table 4
        found["BGR pixels"] = [f"backbones.{row.architecture}.channels=bgr"]
        found["raw skin type"] = [f"datasets.{dataset}.side_inputs.fitzpatrick_scale=raw"]
        found["soft F1 as monitor"] = [row.change("monitor", "val_f1_soft", key)]
    found["last epoch"] = [row.change("keep", "last", key)]
    return {NONE: []} | found | {ALL: [change for changes in found.values() for change in changes]}


def table(scores: dict[str, dict[str, dict[str, float]]]) -> str:
    """Draws a Markdown table: a line per fault, with accuracy and macro F1 on validation and test images."""
    columns = [(split, name) for split in ("val", "test") for name in ("accuracy", "f1_macro")]
    heads = [f"{split}, {'accuracy' if name == 'accuracy' else 'macro F1'}" for split, name in columns]
    lines = [f"| fault | {' | '.join(heads)} |", "|---" + "|--:" * len(heads) + "|"]
    for fault, found in scores.items():
        cells = []
        for split, name in columns:
            value, before = found[split][name], scores[NONE][split][name]
            cells.append(f"{value:.3f}" + ("" if fault == NONE else f" ({value - before:+.3f})"))
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    start(main)
