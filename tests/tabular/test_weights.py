"""Weights of classes, against scikit-learn's, and how they are written and refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

import steepest as st
from steepest.cli import main
from steepest.errors import ConfigurationError
from steepest.tabular import TableModel, fit_table
from steepest.tabular.options import from_plain, to_toml
from steepest.tabular.weights import class_weights

CLASSES = ("no", "yes", "maybe")
CODES = np.random.default_rng(0).choice(3, 60, p=[0.6, 0.3, 0.1])
LABELS = np.array(CLASSES)[CODES]


@pytest.mark.parametrize(
    "option",
    ["balanced", {"yes": 3.0}, {"no": 0.5, "yes": 2, "maybe": 7.5}, {"maybe": 0.0}],
    ids=str,
)
def test_weights_are_scikit_learns(option: Any) -> None:  # noqa: ANN401
    theirs = option if isinstance(option, str) else dict.fromkeys(CLASSES, 1.0) | option
    expected = compute_sample_weight(theirs, LABELS)
    np.testing.assert_allclose(class_weights(option, CODES, CLASSES), expected)  # type: ignore[arg-type]


def columns() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    return {
        "x": x,
        "label": np.where(x + rng.normal(size=300) > 1.2, "yes", "no"),
        "size": 100.5 * x,
        "other": np.where(x > 0, "a", "b"),
    }


def fitted(option: object, target: Any = "label") -> TableModel:  # noqa: ANN401
    options = {
        "data": {"features": ["x"]},
        "network": {"hidden_layer_sizes": [8]},
        "optimizer": {"learning_rate": 0.05},
        "training": {"max_epochs": 30, "class_weight": option},
    }
    return fit_table(columns(), target, options, backend="reference")


def test_a_class_that_weighs_more_is_predicted_more_often() -> None:
    probabilities = [fitted(option).predict_proba(columns()) for option in ("none", {"yes": 8})]
    means = [float(each[:, 1].mean()) for each in probabilities]
    assert means[0] < 0.35
    assert means[1] > means[0] + 0.15


def test_every_way_to_write_them(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    lines = (f"{x:.6f},{label}" for x, label in zip(*list(columns().values())[:2], strict=True))
    table.write_text("\n".join(["x,label", *lines]) + "\n")
    (tmp_path / "o.toml").write_text("[training]\nclass_weight = {yes = 3, no = 0.5}\n")
    ways = [
        ["--set", "training.class_weight.yes=3", "--set", "training.class_weight.no=0.5"],
        ["--set", "training.class_weight={yes = 3, no = 0.5}"],
        ["--config", str(tmp_path / "o.toml")],
    ]
    files: list[bytes] = []
    for way in ways:
        out = tmp_path / "m.safetensors"
        common = ["--target", "label", "--max-epochs", "1", "--quiet", "--out", str(out)]
        assert main(["fit", str(table), *common, *way, "--reference"]) == 0
        files.append(out.read_bytes())
    assert files[0] == files[1] == files[2]
    model = st.load(tmp_path / "m.safetensors")
    assert model.configuration.training.class_weight == {"yes": 3.0, "no": 0.5}
    assert "class_weight = { no = 0.5, yes = 3.0 }" in to_toml(model.configuration) or (
        "class_weight = { yes = 3.0, no = 0.5 }" in to_toml(model.configuration)
    )


@pytest.mark.parametrize(
    ("option", "target", "message"),
    [
        ({"yess": 2}, "label", "there is no class 'yess'; did you mean 'yes'"),
        ({"yes": 0, "no": 0}, "label", "the weights of all classes are 0"),
        ({"yes": 2}, "size", "is for classes, and the target 'size' is a number"),
        ({"yes": 2}, ["label", "other"], "there are 2 targets"),
    ],
)
def test_what_cannot_be_meant_is_refused(option: object, target: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fitted(option, target)


@pytest.mark.parametrize("option", [{"yes": -1}, {"yes": "many"}, "equal", 3])
def test_what_is_no_weight_is_refused(option: Any) -> None:  # noqa: ANN401
    with pytest.raises(ConfigurationError, match=r"training\.class_weight = .* is not possible"):
        from_plain({"training": {"class_weight": option}})
