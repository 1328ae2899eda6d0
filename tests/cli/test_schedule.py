"""`steepest schedule`: rows, a picture, a list; and what is said to mistakes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import steepest as st
from steepest.cli import main
from steepest.optim.schedules import SCHEDULES
from steepest.report import plot_schedule

pytestmark = pytest.mark.row("S9")
Capture = pytest.CaptureFixture[str]


def run(capture: Capture, *arguments: str) -> str:
    """What the command prints."""
    assert main(["schedule", *arguments]) == 0
    printed = capture.readouterr()
    assert printed.err == ""
    return printed.out


def refusal(capture: Capture, *arguments: str) -> str:
    assert main(["schedule", *arguments]) == 2
    printed = capture.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") <= 2
    return printed.err


def test_rows(capsys: Capture) -> None:
    text = run(capsys, "cosine", "--set", "high=0.2", "--set", "steps=100", "--every", "25")
    header, *rows = (line.split("\t") for line in text.splitlines())
    assert header == ["step", "epoch", "rate"]
    assert [(int(t), int(e)) for t, e, _ in rows] == [(0, 0), (25, 2), (50, 5), (75, 7)]
    for t, _, rate in rows:
        expected = 0.1 * (1 + math.cos(math.pi * int(t) / 100))
        assert float(rate) == pytest.approx(expected, rel=1e-5)


def test_json_has_the_numbers_unrounded(capsys: Capture) -> None:
    document = json.loads(
        run(capsys, "step_decay", "--set", "milestones=3,7", "--steps", "10", "--every", "1",
            "--steps-per-epoch", "5", "--json")
    )  # fmt: skip
    schedule = st.optim.schedules.StepDecay(0.1, milestones=(3, 7))
    assert document["schedule"] == repr(schedule)
    assert document["rows"] == [
        {"step": t, "epoch": t // 5, "rate": schedule(t)} for t in range(10)
    ]


def test_what_counts_epochs(capsys: Capture) -> None:
    text = run(capsys, "halving", "--set", "high=1", "--steps", "6", "--steps-per-epoch", "2")
    assert [line.split("\t")[2] for line in text.splitlines()[1:]] == [
        "1", "1", "0.5", "0.5", "0.25", "0.25",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_listed_shown_and_drawn(
    name: str, capsys: Capture, tmp_path: Path
) -> None:
    assert f"{name} " in run(capsys)
    assert name in [row["name"] for row in json.loads(run(capsys, "--json"))]
    picture = tmp_path / "rate.svg"
    assert len(run(capsys, name, "--steps", "40", "--plot", str(picture)).splitlines()) == 21
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_equal_pictures_are_equal_bytes(capsys: Capture, tmp_path: Path) -> None:
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    for path in (one, two):
        run(capsys, "one_cycle", "--plot", str(path))
    assert one.read_bytes() == two.read_bytes()


def test_a_figure_shows_every_step() -> None:
    schedule = st.optim.schedules.WarmRestarts(1.0, cycle=10)
    figure = plot_schedule(schedule, 30, steps_per_epoch=10, title="restarts")
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(np.asarray(line.get_ydata()), [schedule(t) for t in range(30)])


def test_mistakes_are_explained(capsys: Capture, tmp_path: Path) -> None:
    assert "did you mean 'cosine'?" in refusal(capsys, "cosin")
    assert "'cosine' has no option 'hihg'; did you mean 'high'?" in refusal(
        capsys, "cosine", "--set", "hihg=0.1"
    )
    assert "steps is a whole number from 1 on, not 0" in refusal(
        capsys, "cosine", "--set", "steps=0"
    )
    assert "milestones rise" in refusal(capsys, "step_decay", "--set", "milestones=20,10")
    assert "write it as NAME=VALUE" in refusal(capsys, "cosine", "--set", "high")
    assert "is no value" in refusal(capsys, "cosine", "--set", "high=a b")
    assert "name it .png, .svg or .pdf" in refusal(capsys, "cosine", "--plot", "rate.gif")
    assert "say which schedule is meant" in refusal(capsys, "--set", "high=0.1")
    assert "--steps" in refusal(capsys, "cosine", "--steps", "0")
    assert "too many to show" in refusal(capsys, "cosine", "--steps", str(10**12))
    assert "too many to show" in refusal(capsys, "cosine", "--set", f"steps={10**12}")
    missing = str(tmp_path / "nowhere" / "rate.svg")
    assert "nowhere" in refusal(capsys, "cosine", "--plot", missing)
