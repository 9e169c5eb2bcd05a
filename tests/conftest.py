"""What several test files start from."""

import shutil
import signal
from pathlib import Path

import pytest

from tests import small_project

# A shell without job control starts `make test &` with Ctrl-C ignored, which the stages under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small_original(tmp_path_factory) -> Path:
    return small_project.make(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture
def project(small_original, tmp_path) -> Path:
    """A copy of the small project, for one test to change."""
    return Path(shutil.copytree(small_original, tmp_path / "project", symlinks=True))
