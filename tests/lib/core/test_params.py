"""Wrong params end with one line that names the key."""

from pathlib import Path

import pytest
import yaml

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import BackboneSpec, Row

ROOT = Path(__file__).parents[3]


@pytest.fixture
def content() -> dict:
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def load(content: dict, folder: Path):
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_params(path)


def change(content: dict, key: str, value) -> dict:
    *parents, last = key.split(".")
    section = content
    for parent in parents:
        section = section[parent]
    section[last] = value
    return content


def test_the_projects_params_are_sound():
    params = load_params(ROOT / "params.yaml")
    assert len(params.tables) == 19
    assert params.model.dropout == 0.5 and params.model.architecture == "resnet101v2"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("model.dropuot", 0.4, "model.dropuot: unknown key"),
        ("model.dropout", 1.4, "model.dropout: Input should be less than 1 (got 1.4)"),
        ("model.dropout", "much", "model.dropout: Input should be a valid number (got 'much')"),
        ("model.batch_size", 20.5, "model.batch_size: "),
        ("model.batch_size", True, "model.batch_size: "),
        ("model.augment", 1, "model.augment: "),
        ("model.learning_rate", 0, "model.learning_rate: "),
        ("model.architecture", "resnet", "model.architecture: "),
        ("model.architecture", "vgg16", "-S model.input=data/features/vgg16"),
        ("model.architecture", "vgg16", "or give `-S model.architecture=resnet101v2` instead"),
        ("model.architecture", "lenet", "add `-S model.input=data/tensors -S 'model.filters=[32,64,128,128]'`"),
        ("model.input", "data/features/vgg16", "or give `-S model.architecture=vgg16` instead"),
        ("model.input", "data/nothing", "takes data/tensors or data/features/resnet101v2: add `-S model.input="),
        ("tables.vgg16.architecture", "mobilenetv2", "add `-S tables.vgg16.input=data/features/mobilenetv2`"),
        ("model.filters", [32], "add `-S 'model.filters=[]'`"),
        ("model.image_size_px", 150, "add `-S model.image_size_px=224`"),
        ("model.augment", True, "model.augment: true needs pixels or views: add `-S model.input=data/tensors` or"),
        ("features.views", -1, "features.views: "),
        ("features.precision", "float16", "features.precision: "),
        ("tables.lenet-1.filters", [], "tables.lenet-1: filters"),
        ("tables.lenet-1.input", "data/features/vgg16", "tables.lenet-1: input data/features/vgg16"),
        ("tables.a.b", None, "tables.a.b"),
        ("dataset", "isic", "'isic' is not among datasets: fitzpatrick17k, sample"),
        ("datasets.sample.sha256", "123", "datasets.sample.sha256: "),
        ("split.groups", "some", "split.groups: "),
        ("fetch.retries", -1, "fetch.retries: "),
        ("backbones.vgg16", None, "backbones.vgg16: spell out"),
        ("backbones.lenet", {"weights": None, "rescale": "unit", "channels": "rgb"}, "backbones.lenet: has to be null"),
        ("seed", None, "seed: "),
        (
            "tables.vgg16.side_input_dropout",
            0.2,
            "lacks: add `-S '+tables.vgg16.side_inputs=[",
        ),
        ("model.side_inputs", ["age"], "model.side_inputs: dataset sample has no side input 'age'"),
        ("model.side_inputs", ["age"], "-S +datasets.sample.side_inputs.age=categorical"),
        ("datasets.sample.side_inputs", {"age": "text"}, "datasets.sample.side_inputs.age: "),
        ("tables.vgg16.image_size_px", 150, "add `-S tables.vgg16.image_size_px=224`"),
        ("tables.lenet-5.image_size_px", 93, "add `-S tables.lenet-5.image_size_px=94`"),
        ("tables.alexnet.image_size_px", 66, "whose layers need 67 px: add `-S tables.alexnet.image_size_px=67`"),
        ("datasets.sample.max_image_size_px", 20, "datasets.sample.max_image_size_px: "),
        ("tables.vgg16.augment", True, "add `-S tables.vgg16.input=data/tensors` or"),
        ("evaluate.bootstrap_samples", 10, "evaluate.bootstrap_samples: "),
    ],
)
def test_a_wrong_value_is_named(content, tmp_path, key, value, says):
    if key == "tables.a.b":
        content["tables"]["a.b"] = content["tables"]["lenet-1"]
    else:
        change(content, key, value)
    with pytest.raises(PipelineError) as caught:
        load(content, tmp_path)
    line = str(caught.value)
    assert says in line and "\n" not in line and "params.yaml" in line


def test_a_missing_key_is_named(content, tmp_path):
    del content["split"]["folds"]
    with pytest.raises(PipelineError, match=r"split\.folds: missing"):
        load(content, tmp_path)


def test_model_spells_every_knob_and_the_published_rows_only_what_differs(content):
    assert set(content["model"]) == set(Row.model_fields)
    defaults = {name: field.default for name, field in Row.model_fields.items()}
    repeated = [(name, key) for name, row in content["tables"].items() for key in row if row[key] == defaults[key]]
    assert repeated == []


def test_the_row_under_study_owns_its_name(content, tmp_path):
    content["tables"]["model"] = content["tables"]["vgg16"]
    with pytest.raises(PipelineError, match=r"tables\.model"):
        load(content, tmp_path)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 1\nseed: 2\n")
    with pytest.raises(PipelineError, match=r"params\.yaml: line 2: found duplicate key \"seed\"; keep one"):
        load_params(path)


def test_not_yaml_and_no_file(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(PipelineError, match="missing"):
        load_params(path)
    path.write_text("a: [")
    with pytest.raises(PipelineError, match="not YAML"):
        load_params(path)


def test_exponents_without_a_dot_are_numbers(content, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content).replace("learning_rate: 0.001", "learning_rate: 1e-3", 1))
    load_params(path)


def test_a_backbones_own_weights_go_before_the_datasets(content, tmp_path):
    params = load(change(content, "backbones.vgg16.weights", "weights"), tmp_path)
    assert params.backbone("vgg16") == BackboneSpec(
        name="vgg16", weights="weights", rescale="native", max_image_size_px=64
    )
    assert params.backbone("inceptionv3").weights == "random"
    assert params.backbone("lenet") is None


def test_a_dataset_caps_what_networks_see_but_no_lower_than_they_can_take(content, tmp_path):
    def sides_px(cap_px):
        params = load(change(content, "datasets.sample.max_image_size_px", cap_px), tmp_path)
        rows = [params.row(f"tables.{name}").capped(4, cap_px) for name in ("lenet-1", "lenet-5", "alexnet", "vgg16")]
        backbones = [params.backbone(name).max_image_size_px for name in ("vgg16", "inceptionv3")]
        return [row.image_size_px for row in rows] + backbones, [row.epochs for row in rows]

    assert sides_px(32) == ([46, 94, 67, 224, 32, 75], [4, 4, 4, 20])
    assert sides_px(128) == ([128, 128, 128, 224, 128, 128], [4, 4, 4, 20])
    assert sides_px(None)[0] == [150, 150, 224, 224, None, None]


def test_rows_are_found_by_key(content, tmp_path):
    params = load(content, tmp_path)
    assert params.row("model") is params.model
    assert params.row("tables.alexnet").architecture == "alexnet"
    with pytest.raises(PipelineError, match=r"no row 'tables\.vgg19'"):
        params.row("tables.vgg19")
