"""What several test files start from."""

import shutil
from pathlib import Path

import pytest

from tests import small_project


@pytest.fixture(scope="session")
def small_original(tmp_path_factory) -> Path:
    return small_project.make(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture
def project(small_original, tmp_path) -> Path:
    """A copy of the small project, for one test to change."""
    return Path(shutil.copytree(small_original, tmp_path / "project", symlinks=True))
