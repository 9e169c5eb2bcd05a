"""Which number format a frozen network computes in: bfloat16 where the processor multiplies it faster, else float32.

bfloat16 has float32's range and 8 significant bits, so nothing overflows that did not before; weights stay float32 and
are rounded where they are used, and so are the sums of a pooled feature.
"""

from pathlib import Path

import keras

CPUINFO = Path("/proc/cpuinfo")


def resolve(wanted: str, network_gains: bool) -> str:
    """Settles `features.precision` for this machine and network.

    Args:
        wanted: `auto`, `float32` or `bfloat16`.
        network_gains: Whether bfloat16 pays for the network (`Application.gains_from_bfloat16`).

    Returns:
        `float32` or `bfloat16`. `auto` is bfloat16 for networks that gain, on a GPU and on CPUs where `cpu_gains`
        says so.
    """
    if wanted != "auto":
        return wanted
    if not network_gains:
        return "float32"
    if keras.distribution.list_devices("gpu"):
        return "bfloat16"
    cpuinfo = CPUINFO.read_text() if CPUINFO.is_file() else ""  # other systems than Linux have none
    return "bfloat16" if cpu_gains(cpuinfo) else "float32"


def cpu_gains(cpuinfo: str) -> bool:
    """Says whether a CPU multiplies bfloat16 faster than float32.

    It does with Intel's tiles (AMX) and on AMD from Zen 4. Intel's AVX-512 instruction alone gains nothing: VGG16 ran
    at 1.8 images/s against 2.7 in float32 on a Xeon whose tiles are switched off.

    Args:
        cpuinfo: What Linux says in /proc/cpuinfo.
    """
    words = set(cpuinfo.split())
    return "amx_bf16" in words or ("AuthenticAMD" in words and "avx512_bf16" in words)
