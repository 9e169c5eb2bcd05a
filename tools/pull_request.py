"""`make pr-report BASE=main`: what a branch changes in params, scores and curves, as Markdown for its reviewers.

Everything it says is in Git (scores and curves are), so it needs no DVC remote, no cache and no token. It warns by
validation images: a branch that was chosen by its test scores would be chosen for the luck of these images too.
"""

import io
import json
import re
from pathlib import Path

import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import write_text
from stages.lib.core.paths import METRICS
from stages.lib.core.paths import SCORES as SCORES_FILE
from stages.lib.scoring.metrics import shown
from tools.commands import Parser, output_of, run, start
from tools.experiments import SCORES

Scores = dict[str, dict[str, dict[str, float]]]
"""By row, split (`val`, `test`) and metric, as in metrics/scores.json."""
COLUMNS = {(split, name): metric.label for split in ("val", "test") for name, metric in shown(split).items()}
PLOTS_DIR = "metrics/plots"
CHECK_LOCK = ".ci/check-lock"
MAX_CURVES = 4
MAX_STAGES = 6
CURVES = "metrics/plots/curves.csv"
HEADINGS = (
    f"| row | {' | '.join(f'{split}: {label}' for (split, _), label in COLUMNS.items())} |\n"
    f"|---{'|--:' * len(COLUMNS)}|"
)


def main() -> None:
    """Writes the report to a file or to standard output; where GitHub runs it, warnings become annotations too."""
    parser = Parser(description=__doc__)
    parser.add_argument("base", help="the branch or commit to compare with")
    parser.add_argument("--name", help="what to call the base; else as given")
    parser.add_argument("--output", type=Path, help="a file; else standard output")
    arguments = parser.parse_args()
    try:
        base = output_of("git", "merge-base", arguments.base, "HEAD").strip()
    except PipelineError:
        raise PipelineError(
            f"BASE={arguments.base}: no such branch or commit, or no common history; fetch it with "
            f"`git fetch origin {arguments.base}` and name it, as in `make pr-report BASE=origin/{arguments.base}`"
        ) from None
    before, now = (json.loads(text or "{}") for text in (_at(base, SCORES_FILE.as_posix()), _here(SCORES_FILE)))
    stale = stale_stages()
    fallen = falls(base, now)
    name, precision = arguments.name or arguments.base, other_precision(base)
    text = markdown(name, base, changed_params(base), before, now, stale, fallen, precision)
    if arguments.output:
        write_text(arguments.output, text)
        for warning in [stale] * bool(stale) + fallen:
            print(f"warning: {warning}")
    else:
        print(text)


def changed_params(base: str) -> dict[str, dict]:
    """Returns what `dvc params diff` says of params.yaml: by key `old` and `new`, either may be missing."""
    files = json.loads(output_of("dvc", "params", "diff", "--json", base) or "{}")
    return {key: change for changes in files.values() for key, change in sorted(changes.items())}


def stale_stages() -> str:
    """Returns what the gate for a stale dvc.lock says against this checkout, in one line; empty if it passes."""
    done = run(CHECK_LOCK)
    names = re.findall(r"^Running stage '(.+)':$", done.stderr, re.MULTILINE)
    if done.returncode and not names:
        return " ".join(done.stderr.removeprefix("error: ").split())
    more = f" and {len(names) - MAX_STAGES} more" if len(names) > MAX_STAGES else ""
    return (
        f"dvc.lock or a file under metrics/ is stale, so the figures below may not be those of this code: run "
        f"`make repro` and commit what it changes. Stale: {', '.join(names[:MAX_STAGES])}{more}"
        if names
        else ""
    )


def falls(base: str, now: Scores) -> list[str]:
    """Names the scores on validation images that are worse than the base's 95 % interval allows.

    Args:
        base: The commit whose `metrics/plots/<row>/assessment.json` has the intervals.
        now: The scores here.

    Returns:
        One sentence per row and score. A score whose interval the base lacks is not judged.
    """
    found = []
    for row, scores in now.items():
        intervals = _assessment(base, row).get("validation", {})
        for name, metric in SCORES.items():
            interval, new = intervals.get(name) or {}, scores["val"].get(name)
            low, high = interval.get("low"), interval.get("high")
            if new is None or low is None or high is None:
                continue
            if new > high if metric.lower_is_better else new < low:
                verb, side = ("rose", "above") if metric.lower_is_better else ("fell", "below")
                found.append(
                    f"{row}: {metric.label} on validation images {verb} from {interval['value']:.3f} to {new:.3f}, "
                    f"{side} the 95 % interval that the base gives for it, {low:.3f} to {high:.3f}"
                )
    return found


def other_precision(base: str) -> str:
    """Says so if features were computed in another number format than the base's, which moves every row on features."""
    paths = sorted(Path(PLOTS_DIR).glob("*/assessment.json"))
    here = [json.loads(path.read_text()) for path in paths]
    there = [_assessment(base, path.parent.name) for path in paths]
    was, now = (
        ", ".join(sorted({found["features_precision"] for found in side if found.get("features_precision")}))
        for side in (there, here)
    )
    if not was or not now or was == now:
        return ""
    return (
        f"Features are in {now} here and in {was} at the base. Where `features.precision` is `auto`, the processor "
        f"decides: rows on features differ for that alone."
    )


def markdown(
    base_name: str,
    base: str,
    params: dict[str, dict],
    before: Scores,
    now: Scores,
    stale: str,
    fallen: list[str],
    precision: str = "",
) -> str:
    """Puts the report together; what is empty is left out."""
    parts = [f"## Against `{base_name}` ({base[:7]})"]
    if stale:
        parts.append(f"> [!CAUTION]\n> {stale}")
    if fallen:
        parts.append("\n>\n".join(["> [!WARNING]", *(f"> **{_plain(sentence)}**" for sentence in fallen)]))
    if precision:
        parts.append(f"> [!NOTE]\n> {precision}")
    lines = [
        f"| `{key}` | {_value(change.get('old'))} | {_value(change.get('new'))} |" for key, change in params.items()
    ]
    parts.append("### Params\n\n" + _table("| param | base | here |\n|---|---|---|", lines, "No param changes."))
    rows = [row for row in {**before, **now} if before.get(row) != now.get(row)]
    lines = [_score_line(row, before.get(row), now.get(row)) for row in rows]
    parts.append("### Scores\n\n" + _table(HEADINGS, lines, "No score changes."))
    if rows and not fallen and all(_assessment(base, row).get("validation") for row in rows):
        parts.append("None of them left the base's 95 % interval for the worse on validation images.")
    parts += [chart for row in rows[:MAX_CURVES] if (chart := curves(base, row))]
    if (report := METRICS / "report.md").exists():
        parts.append(f"<details><summary>All tables</summary>\n\n{report.read_text()}\n</details>")
    return "\n\n".join(parts) + "\n"


def curves(base: str, row: str) -> str:
    """Draws a row's validation loss at the base and here as a Mermaid chart, which GitHub shows without an upload.

    Mermaid stretches every line over the whole axis, so one that ends earlier is made as long as the other.
    """
    texts = {"base": _at(base, CURVES), "here": _here(Path(CURVES))}
    losses = {}
    for name, text in texts.items():
        table = pd.read_csv(io.StringIO(text or "row,epoch,split,metric,value\n"), keep_default_na=False)
        mine = (table["row"] == row) & (table["split"] == "validation") & (table["metric"] == "loss")
        if mine.any():
            losses[name] = table.loc[mine, "value"].tolist()
    if "here" not in losses or losses.get("base") == losses["here"]:
        return ""
    epochs = max(map(len, losses.values()))
    if epochs < 2:
        return ""
    names = ", then ".join(losses) + ("; flat after its last epoch" if len(set(map(len, losses.values()))) > 1 else "")
    lines = [[*values, *values[-1:] * (epochs - len(values))] for values in losses.values()]
    chart = [
        "```mermaid",
        "xychart-beta",
        f'  title "{row}: validation loss by epoch ({names})"',
        f'  x-axis "epoch" 0 --> {epochs - 1}',
        *(f"  line {json.dumps([round(value, 4) for value in line])}" for line in lines),
        "```",
    ]
    return "\n".join(chart)


def _assessment(base: str, row: str) -> dict:
    """Returns a row's assessment.json as it was at the base; empty if it was not there."""
    return json.loads(_at(base, f"{PLOTS_DIR}/{row}/assessment.json") or "{}")


def _at(commit: str, path: str) -> str | None:
    """Returns a file as it was in a commit; None if it was not there."""
    done = run("git", "show", f"{commit}:{path}")
    return done.stdout if done.returncode == 0 else None


def _here(path: Path) -> str | None:
    """Returns a file of this checkout; None if it is not there."""
    return path.read_text() if path.exists() else None


def _score_line(row: str, before: dict[str, dict] | None, now: dict[str, dict] | None) -> str:
    cells = []
    for split, name in COLUMNS:
        old, new = ((side or {}).get(split, {}).get(name) for side in (before, now))
        change = f"{old:.3f} → " if old not in (None, new) and new is not None else ""
        more = f" ({new - old:+.3f})" if change else ""
        cells.append("gone" if new is None else f"{change}{new:.3f}{more}")
    return f"| {row} | " + " | ".join(cells) + " |"


def _table(head: str, lines: list[str], otherwise: str) -> str:
    return "\n".join([head, *lines]) if lines else otherwise


def _value(value: object) -> str:
    return "—" if value is None else _plain(json.dumps(value) if not isinstance(value, str) else value)


def _plain(text: str) -> str:
    """Keeps a value from a branch from being taken for markup, a mention or a link."""
    escaped = "".join(f"&#{ord(letter)};" if letter in "<>|`*[]@#" else letter for letter in text)
    return " ".join(escaped.split())


if __name__ == "__main__":
    start(main)
