import keras
import numpy as np
import pytest
from keras import layers

from stages.lib.backbone import backend
from stages.lib.core.params import load_params
from stages.lib.core.sections import TENSORS
from stages.lib.explain import gradcam
from stages.lib.network.networks import build_head, build_network, compose

ROWS = load_params().tables


@pytest.fixture(scope="module", autouse=True)
def _started():
    backend.start()


def toy_backbone(channels=3):
    """A "network" whose maps are known: the image's channels, halved in size."""
    image = layers.Input((8, 8, 3), name="image")
    x = layers.Lambda(lambda value: keras.ops.cast(value, "float32") / 255)(image)
    inside = layers.Input((8, 8, 3))
    network = keras.Model(inside, layers.AveragePooling2D(2)(inside))
    standardise = layers.BatchNormalization(center=False, scale=False, epsilon=0.0)
    pooled = layers.GlobalAveragePooling2D()(network(x))
    return keras.Model(image, standardise(pooled, training=False), name="toy_features")


def toy_head(weights):
    features = layers.Input((3,), name="features")
    dense = layers.Dense(weights.shape[1], activation="softmax")
    model = keras.Model({"features": features}, dense(features))
    dense.set_weights([weights, np.zeros(weights.shape[1], np.float32)])
    return model


def images(count=2, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_a_linear_head_on_pooled_maps_gives_the_class_activation_map():
    # there Grad-CAM is CAM (Selvaraju et al., section 3.1): the maps, weighted with the class's weights
    weights = np.array([[2.0, -1.0], [0.5, 0.3], [-1.0, 0.2]], np.float32)
    pictures = images()
    found, probabilities = gradcam.class_maps(gradcam.cut(toy_head(weights), toy_backbone()), pictures, None)
    maps = (pictures / 255).reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    scores = maps.mean(axis=(1, 2)) @ weights
    expected = np.stack([np.maximum(m @ weights[:, c], 0) for m, c in zip(maps, scores.argmax(axis=1), strict=True)])
    np.testing.assert_allclose(found, expected / expected.max(axis=(1, 2), keepdims=True), atol=1e-5)
    shares = np.exp(scores)
    np.testing.assert_allclose(probabilities, shares / shares.sum(axis=1, keepdims=True), rtol=1e-5)


def test_an_image_is_explained_alike_alone_and_among_others():
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    halves = gradcam.cut(toy_head(weights), toy_backbone())
    together, _ = gradcam.class_maps(halves, images(4), None)
    alone = np.concatenate([gradcam.class_maps(halves, images(4)[[place]], None)[0] for place in range(4)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_where_nothing_speaks_for_a_class_the_map_is_empty_and_finite():
    found, _ = gradcam.class_maps(gradcam.cut(toy_head(-np.ones((3, 2), np.float32)), toy_backbone()), images(), None)
    assert (found == 0).all()


@pytest.mark.parametrize("name", ["lenet-4", "alexnet"])
@pytest.mark.parametrize("with_type", [False, True])
def test_a_network_on_pixels_keeps_its_probabilities(name, with_type):
    row = ROWS[name].model_copy(update={"image_size_px": 96, "skin_type_input": with_type, "dense_units": 16})
    model = build_network(row, 5, (112, 112, 3), None, seed=3)
    pictures = images(3, 112)
    types = np.eye(7, dtype=np.float32)[:3] if with_type else None
    whole = model({"image": pictures} | ({"skin_type": types} if with_type else {}), training=False)
    expected = keras.ops.convert_to_numpy(whole)
    found, probabilities = gradcam.class_maps(gradcam.cut(model), pictures, types)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert found.min() >= 0 and set(found.max(axis=(1, 2)).round(5)) <= {0.0, 1.0}


def test_features_and_pixels_of_one_backbone_are_explained_alike():
    row = ROWS["inceptionv3-type"].model_copy(update={"dense_units": 8})
    head, backbone = build_head(row, 5, 3), toy_backbone()
    composed = compose(backbone, head, (8, 8, 3))
    types = np.eye(7, dtype=np.float32)[:2]
    from_pixels = gradcam.class_maps(gradcam.cut(composed), images(), types)
    from_features = gradcam.class_maps(gradcam.cut(head, backbone), images(), types)
    for one, other in zip(from_pixels, from_features, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert row.input != TENSORS
