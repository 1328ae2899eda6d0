"""The command on images: fit, predict, evaluate, inspect, preview; and what it says of mistakes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import steepest as st
from steepest.cli import main
from steepest.images import ImageModel

pytestmark = pytest.mark.row("N6")


class Ran(Protocol):
    code: int
    out: str
    err: str


class Command(Protocol):
    def __call__(self, *arguments: str | Path) -> Ran: ...


FAST = ("--max-epochs", "6", "--hidden-layer-sizes", "16", "--seed", "1")


def pictures(count: int, label: int) -> NDArray[np.uint8]:
    """Bright above (0) or below (1); the same whichever test asks first."""
    made = np.random.default_rng((count, label)).integers(0, 120, (count, 8, 10)).astype(np.uint8)
    made[:, label * 4 : label * 4 + 4] += 100
    return made


def write_folder(folder: Path, count: int) -> Path:
    for label, name in enumerate(("above", "below")):
        (folder / name).mkdir(parents=True)
        for number, pixels in enumerate(pictures(count, label)):
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("pictures") / "sides", 40)


@pytest.fixture(scope="session")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("arrays") / "sides.npz"
    parts = {
        part: np.concatenate([pictures(count, 0), pictures(count, 1)])
        for part, count in (("train", 40), ("test", 15))
    }
    np.savez(
        file,
        x_train=parts["train"],
        y_train=np.repeat([0, 1], 40),
        x_test=parts["test"],
        y_test=np.repeat([0, 1], 15),
    )
    return file


@pytest.fixture(scope="session")
def fitted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "sides.safetensors"
    augment = ("--augment", "shift=1,flip")
    arguments = ["fit", str(folder), *FAST, *augment, "--quiet", "--out", str(path)]
    assert main(arguments) == 0
    return path


def test_a_folder_is_fitted_and_said_to_be_what_it_is(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.safetensors"
    ran = command("fit", folder, *FAST, "--augment", "shift=1,flip,noise=0.02", "--test", "0.25",
                  "--out", out, "--json", "--plot", tmp_path / "c.png")  # fmt: skip
    assert ran.code == 0, ran.err
    for said in (
        "images of 8×10 bytes",
        "2 classes: above, below",
        "augmented by shift=1, flip, noise=0.02",
        "52 images to train on, 8 for validation, 20 for test",
        "NEW_IMAGES",
    ):
        assert said in ran.err
    found = json.loads(ran.out)
    assert found["test"]["scores"][0]["value"] > 0.8
    assert (tmp_path / "c.png").stat().st_size > 5000


def test_test_images_that_are_kept_apart_are_the_test(
    command: Command, arrays: Path, tmp_path: Path
) -> None:
    ran = command("fit", arrays, *FAST, "--out", tmp_path / "m.safetensors", "--json")
    assert ran.code == 0, ran.err
    assert "x_test is kept for the test" in ran.err
    found = json.loads(ran.out)
    assert (found["training_rows"], found["validation_rows"], found["test_rows"]) == (72, 8, 30)
    scored = command("evaluate", tmp_path / "m.safetensors", arrays, "--json")
    assert json.loads(scored.out)["scores"] == found["test"]["scores"]
    other = command("evaluate", tmp_path / "m.safetensors", arrays, "--part", "training", "--json")
    assert json.loads(other.out)["rows"] == 80


def test_equal_fits_give_equal_bytes(command: Command, arrays: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        options = (*FAST, "--augment", "shift=1,flip", "--quiet")
        assert command("fit", arrays, *options, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_predictions_have_a_row_for_each_file(command: Command, fitted: Path, folder: Path) -> None:
    ran = command("predict", fitted, folder, "--probabilities")
    assert ran.code == 0, ran.err
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) == 80
    assert rows[0]["image"] == "above/000.png"
    right = sum(row["prediction"] == row["image"].split("/")[0] for row in rows)
    assert right > 70
    total = [float(row["probability_above"]) + float(row["probability_below"]) for row in rows]
    np.testing.assert_allclose(total, 1, atol=1e-6)
    again = command("predict", fitted, folder / "below")  # pictures without classes
    assert again.out.splitlines()[1].startswith("000.png,")


def test_predictions_are_those_of_the_network(fitted: Path, folder: Path) -> None:
    model = st.load(fitted)
    assert isinstance(model, ImageModel)
    x = pictures(5, 1)
    linear = [each.value.numpy() for each in model.network.parameters().values()]
    mean, scale = (model.network.states()[f"standardise.{n}"].value.numpy()
                   for n in ("mean", "scale"))  # fmt: skip
    hidden = np.maximum(((x - mean) * scale).reshape(5, -1) @ linear[0].T + linear[1], 0)
    scores = hidden @ linear[2].T + linear[3]
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(x), expected, atol=1e-4)
    assert model.predict(x).tolist() == [model.classes[code] for code in scores.argmax(1)]
    assert repr(model).startswith("<ImageModel: 2 classes, validation accuracy")


def test_the_standardisation_is_that_of_the_training_images(fitted: Path, folder: Path) -> None:
    model = st.load(fitted)
    mean = model.network.states()["standardise.mean"].value.item()
    every = [np.asarray(Image.open(file)) for file in folder.rglob("*.png")]
    assert abs(mean - np.mean(every)) < 3  # of nine tenths of them
    assert mean != np.float32(np.mean(every))


def test_dropout_is_sampled(command: Command, arrays: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    assert command("fit", arrays, *FAST, "--dropout", "0.4", "--quiet", "--out", model).code == 0
    ran = command("predict", model, arrays, "--dropout-samples", "20")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) == 30
    assert max(float(row["deviation"]) for row in rows) > 0


def test_an_ensemble_with_batch_norm_and_averages(
    command: Command, arrays: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.safetensors"
    together = ("--batch-norm", "before", "--ensemble-size", "2", "--average-weights", "0.9")
    ran = command("fit", arrays, *FAST, *together, "--augment", "flip", "--quiet", "--out", model)
    assert ran.code == 0, ran.err
    scored = command("evaluate", model, arrays, "--json")
    assert json.loads(scored.out)["scores"][0]["value"] > 0.8


def test_inspect_shows_layers_and_options(command: Command, fitted: Path) -> None:
    shown = command("inspect", fitted).out
    for part in ("predicts  the class of an image", "above, below", "augmented shift=1, flip",
                 "augment.layers.0", 'augment = ["shift=1", "flip"]'):  # fmt: skip
        assert part in shown
    document = json.loads(command("inspect", fitted, "--json").out)
    assert (document["kind"], document["shape"], document["pixels"]) == ("images", [8, 10], "uint8")


def test_a_picture_of_augmented_images(command: Command, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    ran = command("preview", folder, "--augment", "shift=2,rotate=20", "--plot", out, "--rows", "2",
                  "--draws", "3")  # fmt: skip
    assert ran.code == 0, ran.err
    assert f"drew 2 images to {out}" in ran.err
    with Image.open(out) as drawn:
        assert drawn.size[0] > drawn.size[1]
        assert len(set(drawn.convert("L").tobytes())) > 50


def test_pictures_of_other_sizes_are_brought_to_one(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.safetensors"
    assert command("fit", folder, *FAST, "--image-size", "6x6", "--quiet", "-o", model).code == 0
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(pictures(1, 0)[0]).resize((50, 30)).save(other / "large.png")
    assert command("predict", model, other).out.splitlines()[1] == "large.png,above"


# ---------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--augment", "shif=2"), "there is no augmentation 'shif'; did you mean 'shift'"),
        (("--augment", "rotate=400"), "above 0 up to 180"),
        (("--image-size", "big"), "an image size is HEIGHTxWIDTH"),
        (("--target", "y"), "data.target is for tables; images have no columns"),
        (("--set", "preprocessing.numeric=minmax"), "preprocessing is for tables"),
        (("--set", "images.standardise=channel"), "did you mean 'channels'"),
        (("--loss", "half_squared_error"), "half_squared_error"),
        (("--test", "1.5"), "data.test = 1.5 is not possible"),
    ],
)
def test_impossible_options_are_refused_before_training(
    command: Command, folder: Path, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    ran = command("fit", folder, *options, "--out", tmp_path / "m")
    assert ran.code == 2
    assert message in ran.err
    assert "epoch" not in ran.err
    assert len(ran.err.splitlines()) <= 6


def test_options_of_images_are_refused_for_a_table(command: Command, table: Path) -> None:
    ran = command("fit", table, "--target", "label", "--augment", "flip")
    assert ran.code == 2
    assert "this is a table" in ran.err


def test_a_class_with_one_image_and_one_class(command: Command, tmp_path: Path) -> None:
    write_folder(tmp_path / "a", 1)
    ran = command("fit", tmp_path / "a", "--out", tmp_path / "m")
    assert ran.code == 2
    assert "the class 'above' has one image only" in ran.err
    ran = command("fit", tmp_path / "a" / "above", "--out", tmp_path / "m")
    assert ran.code == 2
    assert "tells no labels" in ran.err


def test_images_that_do_not_fit_the_model(command: Command, fitted: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "large.npz", x=np.zeros((2, 9, 9), np.uint8), y=["above", "below"])
    ran = command("predict", fitted, tmp_path / "large.npz")
    assert (ran.code, "is 9×9; the training images are 8×10" in ran.err) == (2, True)
    np.savez(tmp_path / "floats.npz", x=np.zeros((2, 8, 10)), y=["above", "below"])
    ran = command("evaluate", fitted, tmp_path / "floats.npz")
    assert (ran.code, "holds float32, the training images uint8" in ran.err) == (2, True)
    np.savez(tmp_path / "labels.npz", x=np.zeros((2, 8, 10), np.uint8), y=["above", "belo"])
    ran = command("evaluate", fitted, tmp_path / "labels.npz")
    assert (ran.code, "did you mean 'below'" in ran.err) == (2, True)


def test_a_table_is_no_source_for_a_model_of_images(
    command: Command, fitted: Path, table: Path, model: Path, folder: Path
) -> None:
    assert "holds no images" in command("predict", fitted, table).err
    assert "--keep is for tables" in command("predict", fitted, folder, "--keep", "id").err
    assert "directory" in command("predict", model, folder).err
    for use in ("predict", "evaluate"):
        assert "--sheet is for tables" in command(use, fitted, folder, "--sheet", "May").err
        assert "--part is of images" in command(use, model, table, "--part", "test").err
    assert "did you mean" in command("predict", fitted, folder, "--part", "trainin").err


def test_a_damaged_model_of_images(command: Command, fitted: Path, tmp_path: Path) -> None:
    content = fitted.read_bytes()
    damaged = content.replace(b'\\"shape\\":[8,10]', b'\\"shape\\":[8,11]')
    assert damaged != content
    (tmp_path / "m").write_bytes(damaged)
    ran = command("inspect", tmp_path / "m")
    assert ran.code == 2
    assert "damaged" in ran.err


def test_preview_wants_augmentations(command: Command, folder: Path, tmp_path: Path) -> None:
    ran = command("preview", folder, "--plot", tmp_path / "a.png")
    assert (ran.code, "there are flip, " in ran.err) == (2, True)
    assert command("preview", folder, "--augment", "flip", "--plot", tmp_path / "a.txt").code == 2
