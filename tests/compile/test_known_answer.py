"""On a kind of processor that nobody has tested, programs wait for one with a known answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import steepest as st
import steepest.compile as pipeline
from compile.native import source_of
from steepest.compile import compiled
from steepest.errors import CompilationError
from steepest.ir.graph import Graph
from steepest.ir.node import placeholder
from steepest.ir.op import OPS
from steepest.ir.types import TensorType, float32
from steepest.runtime.cache import ObjectCache
from steepest.runtime.executable import compile_program
from steepest.runtime.processor import Processor, this_processor
from steepest.transform.executable import ReferenceFallback

X = placeholder(TensorType((3,), float32), "x")
DOUBLE = source_of(Graph((X,), (OPS["multiply"](X, 2.0),)), ["whole"])
HALF = source_of(Graph((X,), (OPS["multiply"](X, 0.5),)), ["whole"])


@pytest.fixture
def elsewhere() -> Processor:
    """This machine under a name that LLVM understands and we have not tested."""
    here = this_processor()
    if not here.is_tested:
        return here
    return replace(here, triple=here.triple.replace("x86_64", "amd64"))


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What LLVM is given from now on."""
    found: list[str] = []

    def recorded(text: str, processor: Processor) -> bytes:
        found.append(text)
        return compile_program(text, processor)

    monkeypatch.setattr(pipeline, "compile_program", recorded)
    return found


SWAPS = {
    " fadd ": " fsub ",
    " fsub ": " fadd ",
    " fmul ": " fadd ",
    "fcmp olt": "fcmp ogt",
    "0xBFE6300000000000": "0xBFE7300000000000",
}


@pytest.fixture(params=SWAPS)
def wrong(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM takes one instruction, or number, for another."""
    old, new = request.param, SWAPS[request.param]

    def swapped(text: str, processor: Processor) -> bytes:
        return compile_program(text.replace(old, new), processor)

    monkeypatch.setattr(pipeline, "compile_program", swapped)


def test_it_is_asked_once_for_a_machine(
    elsewhere: Processor, texts: list[str], tmp_path: Path
) -> None:
    cache = ObjectCache(tmp_path)
    for source, factor, count in ((DOUBLE, 2.0, 2), (DOUBLE, 2.0, 2), (HALF, 0.5, 3)):
        program = compiled(source, elsewhere, cache)
        (output,) = program.bind().run(1, whole=[np.ones(3, np.float32)]).outputs
        np.testing.assert_array_equal(output, [[factor] * 3])
        assert len(texts) == count
    assert cache.usage().entries == 3


def test_where_the_tests_have_run_it_is_not_asked(texts: list[str], tmp_path: Path) -> None:
    if this_processor().is_tested:
        compiled(DOUBLE, cache=ObjectCache(tmp_path))
        assert len(texts) == 1


@pytest.mark.usefixtures("wrong")
def test_a_wrong_answer_refuses_all_programs(elsewhere: Processor, tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    for _ in range(2):
        with pytest.raises(CompilationError, match="computes wrong numbers"):
            compiled(DOUBLE, elsewhere, cache)
    assert cache.usage().entries == 0


def test_a_wrong_answer_leaves_the_work_to_the_reference(
    elsewhere: Processor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(pipeline, "this_processor", lambda: elsewhere)
    monkeypatch.setattr(
        pipeline,
        "compile_program",
        lambda text, processor: compile_program(text.replace(" fadd ", " fsub "), processor),
    )
    with pytest.warns(ReferenceFallback, match="computes wrong numbers"):
        found = st.jit(lambda x: x + 1.0)(st.tensor([1.0, 2.0]))
    np.testing.assert_array_equal(found.numpy(), [2.0, 3.0])
