import keras
import numpy as np
import pytest
from keras import layers

from stages.lib.backbone import backend
from stages.lib.core.params import load_params
from stages.lib.explain import gradcam
from stages.lib.network.networks import build_head, build_network, compose

ROWS = load_params().tables
NO_SIDES = np.zeros((2, 0), np.float32)


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


def toy_network(weights):
    features = layers.Input((3,), name="features")
    dense = layers.Dense(weights.shape[1], activation="softmax")
    model = keras.Model({"features": features}, dense(features))
    dense.set_weights([weights, np.zeros(weights.shape[1], np.float32)])
    return compose(toy_backbone(), model, (8, 8, 3))


def images(count=2, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_a_linear_head_on_pooled_maps_gives_the_class_activation_map():
    # there Grad-CAM is CAM (Selvaraju et al., section 3.1): the maps, weighted with the class's weights
    weights = np.array([[2.0, -1.0], [0.5, 0.3], [-1.0, 0.2]], np.float32)
    pictures = images()
    found, probabilities = gradcam.class_maps(gradcam.cut(toy_network(weights)), pictures, NO_SIDES)
    maps = (pictures / 255).reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4))
    scores = maps.mean(axis=(1, 2)) @ weights
    expected = np.stack([np.maximum(m @ weights[:, c], 0) for m, c in zip(maps, scores.argmax(axis=1), strict=True)])
    np.testing.assert_allclose(found, expected / expected.max(axis=(1, 2), keepdims=True), atol=1e-5)
    shares = np.exp(scores)
    np.testing.assert_allclose(probabilities, shares / shares.sum(axis=1, keepdims=True), rtol=1e-5)


def test_an_image_is_explained_alike_alone_and_among_others():
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    halves = gradcam.cut(toy_network(weights))
    together, _ = gradcam.class_maps(halves, images(4), NO_SIDES)
    alone = np.concatenate([gradcam.class_maps(halves, images(4)[[place]], NO_SIDES)[0] for place in range(4)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_where_nothing_speaks_for_a_class_the_map_is_empty_and_finite():
    found, _ = gradcam.class_maps(gradcam.cut(toy_network(-np.ones((3, 2), np.float32))), images(), NO_SIDES)
    assert (found == 0).all()


@pytest.mark.parametrize("name", ["lenet-4", "alexnet", "inceptionv3-type"])
@pytest.mark.parametrize("side_inputs", [[], ["fitzpatrick_scale"]])
def test_a_cut_network_keeps_its_probabilities(name, side_inputs):
    changes = {"image_size_px": 96, "side_inputs": side_inputs, "dense_units": 16}
    row = ROWS[name].model_copy(update=changes)
    width = 7 * len(side_inputs)
    if row.on_features:
        model = compose(toy_backbone(), build_head(row, 5, 3, width), (112, 112, 3))
    else:
        model = build_network(row, 5, (112, 112, 3), width, seed=3)
    pictures, sides = images(3, 112), np.eye(7, dtype=np.float32)[:3, :width]
    whole = model({"image": pictures} | ({"side": sides} if side_inputs else {}), training=False)
    expected = keras.ops.convert_to_numpy(whole)
    found, probabilities = gradcam.class_maps(gradcam.cut(model), pictures, sides)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert found.min() >= 0 and set(found.max(axis=(1, 2)).round(5)) <= {0.0, 1.0}
