"""A stage's faults are one line; its bugs keep their traceback."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from stages.lib.core import errors
from stages.lib.core.errors import PipelineError, explain, run_stage, size

ROOT = Path(__file__).parents[3]


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


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a/b.csv"), "a/b.csv: Permission denied; make it readable"),
        (OSError(errno.EDQUOT, "", "a.npy"), "a.npy: Disk quota exceeded; free some space, or ask for a larger quota"),
        (OSError(errno.EIO, "", "a.npy"), "a.npy: Input/output error; the disk reports an error"),
        (OSError(errno.EMFILE, "", "a"), "a: Too many open files; raise the limit of open files (ulimit -n)"),
        (OSError(errno.EROFS, "", "a"), "a: Read-only file system; make the checkout writable"),
        (FileExistsError(errno.EEXIST, "", "data/raw"), "data/raw: File exists; something else is where it should be"),
        (NotADirectoryError(errno.ENOTDIR, "", Path("data/x")), "data/x: Not a directory; a file is where a folder"),
        (OSError(errno.ENOENT, "", "a", None, "b"), "a to b: No such file or directory; bring it back"),
        (OSError("Can't write data (file write failed: errno = 122, error message = '')"), "Disk quota exceeded"),
        (OSError(errno.ENOTCONN, "Not connected", "a"), "a: Not connected"),
        (MemoryError("Unable to allocate 9.1 GiB"), "not enough memory (Unable to allocate 9.1 GiB); close other"),
    ],
    ids=str,
)
def test_a_fault_of_disk_or_memory_is_one_line_that_says_what_to_do(error, line):
    with pytest.raises(SystemExit) as ended:
        run_stage(failing(error))
    assert ended.value.code.startswith("error: ") and line in ended.value.code and "\n" not in ended.value.code


def test_a_fault_is_found_behind_the_exception_that_it_caused():
    error = RuntimeError("could not save")
    error.__cause__ = OSError(errno.EDQUOT, "", "weights.h5")
    assert explain(error).startswith("weights.h5: Disk quota exceeded")


def test_whatever_fails_on_a_full_disk_is_told_as_that(monkeypatch):
    error = RuntimeError("4096 requested and 0 written")
    assert explain(error) is None
    monkeypatch.setattr(errors, "_free_bytes", lambda: 12_288)
    expected = "No space left on device (12 kB left; RuntimeError: 4096 requested and 0 written); free some space"
    assert expected in explain(error)
    assert "No space left on device (12 kB left); free" in explain(OSError(errno.ENOSPC, "", "a"))


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (
            "numpy.save('big.npy', numpy.zeros(10**6))",
            "not all of it could be written (1000000 requested and 1234 written)",
        ),
        ("h5py.File('big.h5', 'w').create_dataset('a', data=numpy.zeros(10**6))", "File too large; raise the limit"),
        ("files.write_bytes(pathlib.Path('big'), bytes(10**6))", "File too large; raise the limit"),
        ("[open('/dev/null') for _ in range(200)]", "/dev/null: Too many open files; raise the limit"),
        (
            "pathlib.Path('file').touch() or files.write_text(pathlib.Path('file/a'), '')",
            "file: File exists; something",
        ),
        ("pathlib.Path('file/a').read_text()", "No such file or directory; bring it back"),
        ("open('/dev/full', 'w', buffering=1).write('a\\n')", "No space left on device ("),
    ],
)
def test_what_libraries_raise_when_the_system_refuses(tmp_path, write, line):
    def limits():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    code = f"import h5py, numpy, pathlib\nfrom stages.lib.core import errors, files\nerrors.run_stage(lambda: {write})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, preexec_fn=limits, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1 and line in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "big").exists()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (51_200, "51 kB"), (9_031_680, "9.0 MB"), (2.5e12, "2.5 TB")],
)
def test_sizes_have_units_that_suit_them(n_bytes, text):
    assert size(n_bytes) == text
