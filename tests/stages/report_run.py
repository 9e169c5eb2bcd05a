"""What the stage report is run on and what it wrote; one class has a name that is markup, one a long name."""

from pathlib import Path

from stages import report

ROOT = Path(__file__).parents[2]
ODD = "<script>alert(1)</script> | *c*"
LONG = "erythema-elevatum-et-diutinum/lymphangioleiomyomatosis"
CLASSES = [ODD, LONG, *(f"condition {letter}" for letter in "abcdefghij")]


def run():
    report.main()
    return tuple(
        Path(path).read_text()
        for path in ("data/report/report.md", "data/report/report.html", "data/report/MODEL_CARD.md")
    )
