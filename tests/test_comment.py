"""One comment per pull request, whatever is pushed to it."""

import pytest

from stages.lib.core.errors import PipelineError
from tests import small_github
from tools import comment


@pytest.fixture
def github(monkeypatch):
    with small_github.serving() as state:
        for name, value in state.environment.items():
            monkeypatch.setenv(name, value)
        yield state


def test_the_first_report_is_posted_and_the_next_replaces_it(github):
    github.comments = [{"id": n, "body": "a person's"} for n in range(3)]
    assert "posted" in comment.publish(7, "first")
    assert "updated" in comment.publish(7, "second")
    assert len(github.comments) == 4
    assert github.comments[-1]["body"] == f"{comment.MARK}\nsecond"
    assert all(one["body"] == "a person's" for one in github.comments[:3])


def test_the_comment_is_found_behind_a_hundred_others(github):
    github.comments = [{"id": n, "body": "a person's"} for n in range(100)]
    comment.publish(7, "first")
    assert "updated" in comment.publish(7, "second")
    assert len(github.comments) == 101


def test_a_fork_may_not_comment_and_that_is_no_failure(github):
    github.may_write = False
    assert "job's summary" in comment.publish(7, "report")
    assert github.comments == []


def test_a_long_report_is_cut_to_what_a_comment_takes(github):
    comment.publish(7, "# Title\n\n<details>" + "é" * 70_000)
    body = github.comments[0]["body"]
    assert len(body) <= 65_536 and body.startswith(comment.MARK) and body.endswith(comment.CUT)


def test_a_server_out_of_order_is_named(github):
    github.broken = True
    with pytest.raises(PipelineError, match=r"issues/7/comments.*500.*out of order"):
        comment.publish(7, "report")
