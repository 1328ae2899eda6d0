"""Arenas: aligned, padded, zero at first, and nobody else's."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from steepest.errors import OutOfMemoryError, SteepestError
from steepest.ir.types import DTYPES, DType
from steepest.runtime.copies import inwards, outwards
from steepest.runtime.driver import Copy
from steepest.runtime.memory import Arena, Place, address_of, check_array, size_text


@st.composite
def places(draw: st.DrawFn) -> Place:
    """A value of any layout without overlaps: axes in any order, each row padded."""
    extents = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    strides = [0] * len(extents)
    reach = 1
    for axis in draw(st.permutations(range(len(extents)))):
        if extents[axis] > 1:
            reach += draw(st.integers(0, 3))
            strides[axis] = reach
            reach *= extents[axis]
    dtype = draw(st.sampled_from(DTYPES))
    return Place("scratch", 64 * draw(st.integers(0, 3)), dtype, extents, tuple(strides))


def values(place: Place, steps: int) -> np.ndarray:
    count = np.arange(1, steps * place.size + 1) * 7 % 251
    return count.reshape(steps, *place.extents).astype(place.dtype)


def copied(copies: list[list[int]], step: int, memory: dict[int, np.ndarray]) -> None:
    """What the native loop does with a table of copies, by hand."""
    for each in copies:
        copy = Copy(*each)
        for row in range(copy.rows):
            source = copy.source + step * copy.source_step + row * copy.source_stride
            target = copy.target + step * copy.target_step + row * copy.target_stride
            read, write = (at(memory, address, copy.row_bytes) for address in (source, target))
            write[...] = read


def at(memory: dict[int, np.ndarray], address: int, count: int) -> np.ndarray:
    for start, content in memory.items():
        if start <= address and address + count <= start + content.size:
            return content[address - start : address - start + count]
    raise AssertionError("a copy leaves its memory")


@given(places())
def test_what_is_written_to_a_place_is_read_from_it(place: Place) -> None:
    arena = Arena(1 << 14, "a test")
    arena.bytes[:] = 0xFF
    (value,) = values(place, 1)
    arena.write(place, value)
    read = arena.read(place)
    np.testing.assert_array_equal(read, value)
    assert read.flags.c_contiguous
    assert not np.shares_memory(read, arena.bytes)
    touched = arena.bytes[: arena.size] != 0xFF
    assert touched.sum() <= place.size * place.dtype.itemsize


@given(places(), st.integers(0, 2))
def test_tables_of_copies_say_the_same_as_numpy(place: Place, step: int) -> None:
    arena = Arena(1 << 14, "a test")
    table = values(place, 3)
    arriving, leaving = (make([(arena.address, place)]) for make in (inwards, outwards))
    flat = table.reshape(-1).view(np.uint8)
    memory = {arena.address: arena.bytes, address_of(table): flat}
    arriving.attach([table])
    copied(arriving.table.tolist(), step, memory)
    np.testing.assert_array_equal(arena.read(place), table[step])
    result = np.zeros_like(table)
    memory = {arena.address: arena.bytes, address_of(result): result.reshape(-1).view(np.uint8)}
    leaving.attach([result])
    copied(leaving.table.tolist(), step, memory)
    np.testing.assert_array_equal(result[step], table[step])
    assert np.delete(result, step, axis=0).sum() == 0


@pytest.mark.parametrize(
    ("extents", "strides", "blocks"),
    [
        ((), (), 1),
        ((7,), (1,), 1),
        ((3, 5), (5, 1), 1),
        ((3, 5), (16, 1), 1),
        ((2, 3, 5), (48, 16, 1), 1),
        ((2, 1, 5), (16, 0, 1), 1),
        ((2, 3, 5), (64, 16, 1), 2),
        ((3, 5), (1, 16), 3),
        ((3, 0), (16, 1), 0),
    ],
)
def test_usual_layouts_are_one_block(
    extents: tuple[int, ...], strides: tuple[int, ...], blocks: int
) -> None:
    place = Place("scratch", 0, np.dtype("float32"), extents, strides)
    assert len(inwards([(0, place)]).table) == blocks


@pytest.mark.parametrize("size", [0, 1, 4096, 1_000_001])
def test_an_arena_begins_at_a_page_and_is_zero(size: int) -> None:
    arena = Arena(size, "a test")
    assert arena.address % 4096 == 0
    assert arena.address == address_of(arena.bytes)
    assert arena.bytes.size >= size + 64  # whole vectors may reach past the end
    assert not arena.bytes.any()


@pytest.mark.parametrize("size", [1 << 50, 1 << 62, 1 << 70])
def test_too_much_memory_is_an_error_that_names_the_size(size: int) -> None:
    with pytest.raises(OutOfMemoryError, match=r"a step's values: it takes 1\.0 PiB|EiB") as caught:
        Arena(size, "a step's values")
    assert size_text(size) in str(caught.value)
    assert isinstance(caught.value, SteepestError | MemoryError)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1 << 20, "1.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (5 << 40, "5.0 TiB"),
        (7 << 60, "7.0 EiB"),
        (1 << 80, "1048576.0 EiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("shape", "dtype"), [((2, 3), "float64"), ((3, 2), "float32"), ((6,), "float32")]
)
def test_an_array_of_another_type_is_refused(shape: tuple[int, ...], dtype: DType) -> None:
    with pytest.raises(ValueError, match=r"takes float32\[2, 3\] here, not"):
        check_array(np.zeros(shape, dtype), (2, 3), np.dtype("float32"))


def test_a_place_counts_its_elements() -> None:
    assert Place("state", 0, np.dtype("int8"), (2, 3), (64, 1)).size == math.prod((2, 3))
