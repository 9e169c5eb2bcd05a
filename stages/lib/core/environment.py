"""What of the user's environment reaches the stages: where work runs and what is logged, nothing that changes results.

Libraries take settings from environment variables, most of them when they are imported. So `stages/__init__.py` calls
this before a stage imports anything else, and again in every stage that is forked from a warm process.
"""

import os
import sys
import warnings

PREFIXES = (
    *("CUBLAS_", "CUDNN_", "DNNL_", "DVCLIVE_", "GOTO_", "KERAS_", "KMP_", "MATPLOTLIBRC", "MKL_", "MPL", "NPY_"),
    *("NVIDIA_TF32_", "OMP_", "ONEDNN_", "OPENBLAS_", "OPENCV_", "PANDAS_", "SCIPY_", "SKLEARN_", "TF_", "XLA_"),
)
"""Of variables that libraries read. All are removed but those of `KEPT`."""
THREADS = 4
"""Of one operation of TensorFlow, on every machine. It splits the sums of a gradient by their number, so that another
number ends a training with other weights. On two cores 4 take as long as 2, 16 up to 1.3 times as long. With many cores
several experiments run at a time: `dvc queue start -j 8`."""
KEPT = ("KERAS_HOME", "MPLCONFIGDIR", "TF_CPP_", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR", "TF_GPU_THREAD_")
"""Prefixes of those that say where files lie, what is logged and how memory is taken."""
SETTINGS = {
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTRAOP_THREADS": str(THREADS),
}
"""What libraries are told instead. BLAS and OpenMP have one thread: a sum depends on how many share it."""


def settle() -> None:
    """Brings environment, warnings and output streams to what every stage starts from.

    Packages on `PYTHONPATH` come last, so that they do not stand in for those of this environment. Warnings are no
    errors, whatever `PYTHONWARNINGS` says. What a terminal's encoding cannot show is escaped. A user without a home, as
    in a container, gets one in the checkout: DVC, which logs trainings, asks for it.
    """
    for name in list(os.environ):
        if name.startswith(PREFIXES) and not name.startswith(KEPT):
            del os.environ[name]
    os.environ.update({name: value for name, value in SETTINGS.items() if name not in os.environ})
    if not os.path.isabs(os.path.expanduser("~")):  # noqa: PTH111, PTH117 - pathlib raises there
        os.environ["HOME"] = os.path.abspath(".dvc/tmp/home")  # noqa: PTH100
    foreign = {os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}  # noqa: PTH100
    sys.path[1:] = sorted(sys.path[1:], key=lambda path: path in foreign)
    if os.environ.pop("PYTHONWARNINGS", None):
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
