"""Peers in another interpreter: here it is this one, which has scikit-learn and no other."""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import sklearn

from steepest.bench.peers import Peer, peer_names
from steepest.bench.workloads import WORKLOADS
from steepest.errors import ConfigurationError

PYTHON = Path(sys.executable)


@pytest.fixture
def peer() -> Generator[Peer]:
    with Peer(PYTHON, "scikit-learn", threads=1) as peer:
        yield peer


def test_a_peer_says_its_version_and_takes_turns(peer: Peer) -> None:
    assert peer.version == sklearn.__version__
    for name in ("tiny", "digits"):
        first = peer.prepare(replace(WORKLOADS[name], batches=2))
        assert first is not None
        assert first > 0
        for _ in range(2):
            found = peer.measure(0.01)
            assert 0 < found.seconds < first


def test_a_peer_leaves_out_what_it_cannot_do(peer: Peer) -> None:
    assert peer.prepare(WORKLOADS["regular"]) is None
    assert peer.prepare(replace(WORKLOADS["tiny"], batches=2)) is not None


def test_a_peer_that_dies_is_told(peer: Peer) -> None:
    with pytest.raises(
        ConfigurationError, match=r"scikit-learn does not run in .*ValueError: .* 0 sample"
    ):
        peer.prepare(replace(WORKLOADS["tiny"], batches=0))


def test_a_library_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"jax does not run in .*No module named 'jax'"):
        Peer(PYTHON, "jax", threads=1)


def test_an_interpreter_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--peers .*nothing: cannot be run \(no such"):
        Peer(tmp_path / "nothing", "jax", threads=1)


def test_names_are_checked() -> None:
    assert peer_names(["jax", "torch"]) == ("jax", "torch")
    with pytest.raises(ConfigurationError, match=r"no peer 'pytorch'.*torch"):
        peer_names(["pytorch"])
