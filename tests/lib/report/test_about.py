import pytest

from stages.lib.core.params import load_params
from stages.lib.core.sections import Row
from stages.lib.report import about

ROWS = load_params().tables


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("lenet-1", {}, "LeNet 32/64/128/128, dense 512, RMSprop 0.0001, augmented, batch 20, dropout 0"),
        ("resnet101v2", {}, "frozen ResNet101V2, dense 512, Adam 0.0001, batch 64, dropout 0.4"),
        ("inceptionv3-type", {}, "frozen InceptionV3 + skin type, dense 256, Adam 0.001, batch 256, dropout 0"),
        (
            "inceptionv3-type",
            {"side_inputs": ["fitzpatrick_scale", "age"], "fusion": "metablock"},
            "frozen InceptionV3 + skin type as a number + age by metablock, dense 256, Adam 0.001, batch 256, "
            "dropout 0",
        ),
    ],
)
def test_rows_are_put_into_words(name, changes, words):
    row = Row.model_validate(ROWS[name].model_dump() | changes)
    assert about.describe(row, {"fitzpatrick_scale": "raw" if changes else "categorical", "age": "number"}) == words


def test_settings_are_text_without_empty_ones_and_with_the_datasets_caps():
    settings = about.settings(ROWS["lenet-1"], ROWS["lenet-1"].capped(2, 64))
    assert (settings["filters"], settings["epochs"]) == ("32, 64, 128, 128", "20, capped at 2")
    assert settings["image_size_px"] == "150, capped at 64"
    assert "side_inputs" not in settings
    assert about.settings(ROWS["vgg16"], ROWS["vgg16"].capped(2, 64))["epochs"] == "20"
