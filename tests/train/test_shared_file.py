"""One file for the checkpoints of several fits: when it is written, and what it holds then."""

from __future__ import annotations

from pathlib import Path

import pytest

import steepest as st
from steepest.errors import CheckpointError
from steepest.train.checkpoint import Moment, read_moments
from steepest.train.shared_file import KeptTogether, SharedFile

NAMES = ("0", "1", "2")


def moment(epoch: int) -> Moment:
    return Moment({"seed": "0"}, {"epoch": epoch, "ended": None}, 1, 9)


def epochs(path: Path) -> list[int | None]:
    """How far each fit is in the file."""
    return [each and each.state["epoch"] for each in read_moments(path, NAMES).values()]


def test_it_is_written_when_all_have_a_new_moment(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "c", NAMES)
    for name in ("0", "2"):
        file.put(name, moment(2))
        assert not file.path.exists()
    file.put("1", moment(2))
    assert epochs(file.path) == [2, 2, 2]


def test_one_that_says_nothing_more_does_not_hold_up_the_others(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "c", NAMES)
    file.put("0", moment(2))
    file.put("0", moment(3))
    assert epochs(file.path) == [3, None, None]
    file.put("1", moment(2))
    assert epochs(file.path) == [3, None, None]
    file.flush()
    assert epochs(file.path) == [3, 2, None]
    before = file.path.stat().st_ino
    file.flush()  # nothing is new
    assert file.path.stat().st_ino == before


def test_fits_that_go_on_keep_what_they_go_on_from(tmp_path: Path) -> None:
    """Killed again before all of them have a new moment, none of them begins anew."""
    path = tmp_path / "c"
    first = SharedFile(path, NAMES)
    for name in NAMES:
        first.put(name, moment(5))
    together = KeptTogether(st.Checkpoint(path), path, NAMES)
    part = together.of("1")["checkpoint"].path
    part.write(moment(6))
    together.flush()
    assert epochs(path) == [5, 6, 5]
    assert together.of("2")["resume"].read().state["epoch"] == 5


def test_each_fit_is_told_its_own_part(tmp_path: Path) -> None:
    together = KeptTogether(st.Checkpoint(tmp_path / "c", every=7), None, NAMES)
    told = together.of("1")
    assert told["resume"] is None
    assert told["checkpoint"].every == 7
    assert str(told["checkpoint"].path) == str(tmp_path / "c")
    assert KeptTogether(None, None, NAMES).of("0") == {"checkpoint": None, "resume": None}


def test_a_file_of_other_fits_is_refused(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "c", NAMES)
    file.put("0", moment(2))
    file.flush()
    with pytest.raises(CheckpointError, match="an ensemble of 3, now an ensemble of 4"):
        SharedFile.read(file.path, [*NAMES, "3"])
