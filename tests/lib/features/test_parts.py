"""Parts are found by what they were made of, and by nothing less."""

import numpy as np
import pytest

from stages.lib.features.parts import Parts

KEYS = ["a0", "a1"]
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
VALUES = np.array([[1, 2], [3, 4]], np.float16)


@pytest.fixture
def parts(tmp_path) -> Parts:
    return Parts(tmp_path / "parts", {"weights": "1", "precision": "float32"})


def test_a_part_comes_back_as_it_was_written(parts):
    name = parts.name(KEYS, IMAGES, view=0)
    assert parts.read(name) is None
    parts.write(name, VALUES)
    back = parts.read(parts.name(KEYS, IMAGES, view=0))
    assert back.dtype == VALUES.dtype and (back == VALUES).all()


def test_whatever_changes_the_result_changes_the_name(parts, tmp_path):
    brighter = IMAGES.copy()
    brighter[1, 1, 1, 2] += 1
    other = Parts(tmp_path / "parts", {"weights": "2", "precision": "float32"})
    names = [
        parts.name(KEYS, IMAGES, view=0),
        parts.name(KEYS, IMAGES, view=1),
        parts.name(KEYS[::-1], IMAGES, view=0),
        parts.name(KEYS, brighter, view=0),
        parts.name(KEYS, IMAGES.reshape(2, 1, 4, 3), view=0),
        other.name(KEYS, IMAGES, view=0),
    ]
    assert len(set(names)) == len(names)


def test_what_a_run_did_not_use_goes(parts, tmp_path):
    for number in range(3):
        parts.write(f"{number}", VALUES)
    again = Parts(tmp_path / "parts", {})
    again.read("0")
    again.write("new", VALUES)
    again.keep_only_used()
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["0.npy", "new.npy"]
