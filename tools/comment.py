"""Puts the report on a pull request as one comment, which later pushes update in place.

Reads what GitHub Actions sets: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL. The token of a pull request from a
fork may not write; then the report stays in the job's summary, and that is no failure.
"""

import json
import os
from pathlib import Path

import urllib3

from stages.lib.core.errors import PipelineError
from tools.commands import Parser, start

MARK = "<!-- pull-request report of the pipeline; this comment is updated in place -->"
MAX_CHARACTERS = 65_000
"""GitHub takes 65,536."""
CUT = "\n\n</details>\n\n… cut here; the job's summary has all of it.\n"
TIMEOUT_S = 20.0


def main() -> None:
    """Creates the comment or replaces the text of the one that is there."""
    parser = Parser(description=__doc__)
    parser.add_argument("number", type=int, help="of the pull request")
    parser.add_argument("report", type=Path, help="the Markdown file")
    arguments = parser.parse_args()
    print(publish(arguments.number, arguments.report.read_text(encoding="utf-8")))


def publish(number: int, report: str) -> str:
    """Sends the report.

    Args:
        number: Of the pull request.
        report: Markdown; what is too long for a comment is cut.

    Returns:
        What was done, in a line.

    Raises:
        PipelineError: If GitHub answers with anything but success or a refusal to write.
    """
    missing = [name for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN") if not os.environ.get(name)]
    if missing:
        raise PipelineError(f"{', '.join(missing)}: not set; GitHub Actions sets them, `make pr-report` needs none")
    root = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    body = f"{MARK}\n{report}"
    if len(body) > MAX_CHARACTERS:
        body = body[: MAX_CHARACTERS - len(CUT)] + CUT
    earlier = _find(f"{root}/{number}/comments")
    if earlier:
        status, _ = _request("PATCH", f"{root}/comments/{earlier}", {"body": body})
    else:
        status, _ = _request("POST", f"{root}/{number}/comments", {"body": body})
    if status in (401, 403, 404):
        return "this token may not comment (so it is with pull requests from forks): the report is in the job's summary"
    return "the comment was updated" if earlier else "the report was posted as a comment"


def _find(url: str) -> int | None:
    """Returns the number of the comment that has the mark; pages of 100 are read until there is one."""
    page = 1
    while True:
        status, comments = _request("GET", f"{url}?per_page=100&page={page}")
        if status != 200:
            return None
        for comment in comments:
            if comment["body"].startswith(MARK):
                return comment["id"]
        if len(comments) < 100:
            return None
        page += 1


def _request(method: str, url: str, value: dict | None = None) -> tuple[int, list | dict]:
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    try:
        answer = urllib3.request(method, url, json=value, headers=headers, timeout=TIMEOUT_S, retries=3)
    except urllib3.exceptions.HTTPError as error:
        raise PipelineError(f"{url}: {error}") from None
    if answer.status >= 400 and answer.status not in (401, 403, 404):
        raise PipelineError(f"{url}: answered {answer.status}: {answer.data.decode(errors='replace')[:200]}")
    return answer.status, json.loads(answer.data or b"{}")


if __name__ == "__main__":
    start(main)
