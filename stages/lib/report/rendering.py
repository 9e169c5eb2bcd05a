"""Fills in the report's templates: one set of sentences for HTML and Markdown."""

import base64
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from stages.lib.report import cells

TEMPLATES_DIR = Path(__file__).parent / "templates"
_NUMBER = re.compile(rf"(?:[-+<%±\d.,()\s{cells.MINUS}{cells.DASH}]|\b(?:to|of)\b)*")


def render(template: str, report: dict[str, Any]) -> str:
    """Fills in a template whose name ends in `.md.j2` or `.html.j2`.

    Args:
        template: Its file name in `stages/lib/report/templates`.
        report: What it shows, under the name `r`; its `tables` are those of `stages.lib.report.tables`, by name. Names
            from a catalog are escaped for the form at hand.
    """
    html = template.endswith(".html.j2")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    tables = {
        name: [{heading: cells.cell(value) for heading, value in line.items()} for line in lines]
        for name, lines in report["tables"].items()
    }
    environment.globals["r"] = report | {"tables": tables}
    environment.filters |= {
        "plain": (lambda value: value) if html else escape_markdown,
        "bold": Markup("<strong>{}</strong>").format if html else bold_markdown,
        "code": Markup("<code>{}</code>").format if html else "`{}`".format,
        "score": cells.number,
        "percent": cells.percent,
        "probability": cells.probability,
        "n": "{:,}".format,
        "kinds": kinds,
        "foldable": foldable,
        "base64": lambda content: base64.b64encode(content).decode(),
    }
    text = environment.get_template(template).render()
    return text if html else re.sub(r"\n\s*\n", "\n\n", text)


def kinds(table: list[dict[str, str]]) -> dict[str, str]:
    """Returns a table's headings, and what is below each: `chart`, `number` (set to the right) or `words`."""
    found = {}
    for heading in table[0]:
        column = [line[heading] for line in table]
        numbers = all(_NUMBER.fullmatch(cell) for cell in column)
        found[heading] = "chart" if isinstance(column[0], Markup) else "number" if numbers else "words"
    return found


def foldable(cell: str) -> Markup:
    """Lets a cell of the page fold before its interval and after a slash, and nowhere within a figure."""
    if isinstance(cell, Markup):
        return cell
    figure, bracket, interval = cell.partition(" (")
    text = escape(figure).replace("/", Markup("/<wbr>"))
    return text + Markup(' <span class="bounds">({}</span>').format(interval) if bracket else text


def escape_markdown(value: object) -> str:
    """Makes one line of text stand for itself in Markdown, in a table cell and against HTML tags."""
    return re.sub(r"([\\`*\[\]<>|&~]|\b_|_\b)", r"\\\1", " ".join(str(value).split()))


def bold_markdown(value: object) -> str:
    """Returns one line of text, escaped, in bold."""
    return f"**{escape_markdown(value)}**"
