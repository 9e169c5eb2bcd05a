"""bfloat16 is chosen where it pays, and changes features as little as its eight bits say."""

import numpy as np
import pytest

from stages.lib.backbone.backbones import build_backbone
from stages.lib.core.sections import BackboneSpec
from stages.lib.features import precision

CPUS = {
    "flags : fpu avx2\nvendor_id : GenuineIntel": "float32",
    "vendor_id : GenuineIntel\nflags : avx512f avx512_bf16": "float32",
    "vendor_id : GenuineIntel\nflags : avx512f avx512_bf16 amx_bf16 amx_tile": "bfloat16",
    "vendor_id : AuthenticAMD\nflags : avx512f avx512_bf16": "bfloat16",
    "vendor_id : AuthenticAMD\nflags : avx2": "float32",
}


@pytest.mark.parametrize("cpuinfo", CPUS)
def test_auto_follows_the_processor(tmp_path, monkeypatch, cpuinfo):
    path = tmp_path / "cpuinfo"
    path.write_text(cpuinfo)
    monkeypatch.setattr(precision, "CPUINFO", path)
    monkeypatch.setattr(precision.keras.distribution, "list_devices", lambda kind: [])
    assert precision.resolve("auto", True) == CPUS[cpuinfo]
    assert precision.resolve("float32", True) == "float32" and precision.resolve("bfloat16", True) == "bfloat16"
    path.unlink()
    assert precision.resolve("auto", True) == "float32"
    monkeypatch.setattr(precision.keras.distribution, "list_devices", lambda kind: [f"{kind}:0"])
    assert precision.resolve("auto", True) == "bfloat16"
    assert precision.resolve("auto", False) == "float32"  # a network that does not gain, wherever it runs
    assert precision.resolve("bfloat16", False) == "bfloat16"  # but what is asked for is done


def test_bfloat16_has_the_same_weights_and_nearly_the_same_features():
    spec = BackboneSpec(name="mobilenetv2", weights="random", rescale="native")
    images = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)
    specs = spec, spec.model_copy(update={"precision": "bfloat16"})
    exact, rounded = (build_backbone(one, 96, images) for one in specs)
    # all but the mean and the scale of what comes out, which are of the precision's own features
    for one, other in zip(exact.get_weights()[:-2], rounded.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    expected, got = exact.predict_on_batch(images), rounded.predict_on_batch(images)
    assert got.dtype == np.float32
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    assert 1e-5 < error < 0.1  # not zero: it did compute in another format
    assert precision.keras.config.dtype_policy().name == "float32"  # for what is built next
