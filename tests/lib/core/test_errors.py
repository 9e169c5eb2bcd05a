"""A stage's faults are one line; its bugs keep their traceback."""

import pytest

from stages.lib.core.errors import PipelineError, run_stage


def failing(error: BaseException):
    def main():
        raise error

    return main


def test_a_pipeline_error_is_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        run_stage(failing(PipelineError("a.csv: broken\nin two lines")))
    assert ended.value.code == "error: a.csv: broken in two lines"  # Python prints it and exits with 1


def test_an_interrupt_exits_with_130():
    with pytest.raises(SystemExit) as ended:
        run_stage(failing(KeyboardInterrupt()))
    assert ended.value.code == 130


def test_an_interrupted_stage_says_how_to_go_on(capsys):
    for interrupt, how in ((KeyboardInterrupt(), "starts this stage again"), (KeyboardInterrupt("go on"), "go on")):
        with pytest.raises(SystemExit):
            run_stage(failing(interrupt))
        assert capsys.readouterr().err.rstrip().endswith(how)


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_stage(failing(ZeroDivisionError()))
