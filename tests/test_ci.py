"""What .ci/run does before the tests: it gets a browser where it may, and goes on where it may not."""

import shutil
import subprocess

import pytest

from tests.small_project import ROOT

NOTE = "the tests of the results page in a browser are skipped"


@pytest.mark.parametrize(
    ("commands", "installs", "notes"),
    [
        ({"id": "echo 0", "apt-get": "exit 0"}, True, False),
        ({"id": "echo 0", "apt-get": "exit 100"}, False, True),
        ({"id": "echo 0"}, False, True),
        ({"id": "echo 1000", "apt-get": "exit 0"}, False, True),
        ({"id": "echo 0", "apt-get": "exit 0", "google-chrome": ""}, False, False),
    ],
    ids=["root", "no package", "no apt-get", "a user", "a browser is there"],
)
def test_a_browser_is_installed_where_it_can_be(tmp_path, commands, installs, notes):
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name, does in ({"make": ""} | commands).items():
        script = f'#!{shutil.which("bash")}\necho "{name} $*" >> {tmp_path}/log\n{does}\n'
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run([ROOT / ".ci/run"], env={"PATH": str(tmp_path)}, text=True, capture_output=True, check=True)
    log = (tmp_path / "log").read_text().splitlines()
    assert ("apt-get install -y --no-install-recommends chromium" in log) == installs
    assert (NOTE in done.stdout) == notes
    assert [line for line in log if line.startswith("make")] == ["make lint", "make check-lock", "make test"]
