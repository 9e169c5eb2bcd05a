"""A stage starts from the same environment, whatever the user's is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# what a stage does first, and then what its libraries make of it
PROBE = """
import stages, json, os, sys, warnings
print(json.dumps({"environment": dict(os.environ), "path": sys.path}))
warnings.warn("old", DeprecationWarning)
print("\\xe9 \\u6f22")
"""


def started(code: str = PROBE, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MATPLOTLIBRC": "/nowhere"},
        {"KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "1"},
        {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_USE_LEGACY_KERAS": "1", "TF_NUM_INTRAOP_THREADS": "7"},
        {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2", "XLA_FLAGS": "--nonsense", "NVIDIA_TF32_OVERRIDE": "1"},
        {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "3", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "SSE2"},
        {"OPENCV_IO_MAX_IMAGE_PIXELS": "10", "NPY_DISABLE_CPU_FEATURES": "AVX2", "SKLEARN_WARNINGS_AS_ERRORS": "1"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_changes_results_is_not_taken_from_the_users_environment(changes):
    code = "import stages, os; print(sorted(os.environ.items()))"
    assert started(code, **changes).stdout == started(code).stdout


def test_where_files_lie_and_what_is_logged_is_left_to_the_user():
    kept = {"KERAS_HOME": "/models", "CUDA_VISIBLE_DEVICES": "1", "TF_CPP_MIN_LOG_LEVEL": "0", "HTTP_PROXY": "http://p"}
    code = f"import stages, os; print({{name: os.environ[name] for name in {list(kept)}}})"
    assert started(code, **kept).stdout == f"{kept}\n"


def test_packages_on_pythonpath_do_not_stand_in_for_those_of_the_environment(tmp_path):
    for name in ("numpy", "helper_of_a_colleague"):
        (tmp_path / f"{name}.py").write_text("__version__ = 'a colleague'\n")
    code = "import stages, numpy, helper_of_a_colleague as h; print(numpy.__version__[0], h.__version__)"
    assert started(code, PYTHONPATH=str(tmp_path)).stdout == "2 a colleague\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"PYTHONWARNINGS": "error"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
def test_neither_warnings_nor_an_encoding_end_a_stage(changes):
    done = started(**changes)
    assert done.returncode == 0, done.stderr
