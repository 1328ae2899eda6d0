"""Values that live at the same time lie apart, in little more memory than they need."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as some

from steepest.ir.types import bool_, float32, float64
from steepest.schedule.kernels import Buffer
from steepest.schedule.layout import dense, padded, row_major, state_order
from steepest.schedule.memory import Arena, Lifetime, arrange, bytes_of

Lives = dict[Buffer, Lifetime]


def buffer(elements: int) -> Buffer:
    """So many numbers of float32, without padding."""
    return Buffer(f"b{elements}", float32, (elements,), (1,), "scratch", elements)


lives = some.lists(
    some.tuples(some.integers(1, 400), some.integers(-1, 20), some.integers(0, 8)), max_size=30
).map(lambda rows: {buffer(n): Lifetime(first, first + more) for n, first, more in rows})


def alive(lifetimes: Lives, time: int) -> list[Buffer]:
    return [each for each, life in lifetimes.items() if life.first <= time <= life.last]


def lowest_and_highest(lifetimes: Lives) -> range:
    return range(-1, max((life.last for life in lifetimes.values()), default=0) + 1)


@given(lives)
def test_what_lives_together_lies_apart(lifetimes: Lives) -> None:
    arena = arrange(lifetimes)
    assert set(arena.offsets) == set(lifetimes)
    for time in lowest_and_highest(lifetimes):
        taken = sorted((arena.offsets[each], bytes_of(each)) for each in alive(lifetimes, time))
        for (start, size), (following, _) in itertools.pairwise(taken):
            assert start + size <= following
        # Whole vectors may run over the end of the last one.
        assert all(start >= 0 and start + size + 64 <= arena.size for start, size in taken)


@given(lives)
def test_vectors_begin_on_cache_lines(lifetimes: Lives) -> None:
    assert all(offset % 64 == 0 for offset in arrange(lifetimes).offsets.values())


@given(lives)
def test_the_peak_is_what_lives_together(lifetimes: Lives) -> None:
    arena = arrange(lifetimes)
    times = lowest_and_highest(lifetimes)
    assert arena.peak == max(sum(map(bytes_of, alive(lifetimes, time))) for time in times)
    unpadded = [sum(4 * each.size for each in alive(lifetimes, time)) for time in times]
    assert arena.peak_unpadded == max(unpadded)
    assert arena.size >= arena.peak


def test_padding_is_counted_in_the_one_peak_and_not_in_the_other() -> None:
    odd = Buffer("odd", float64, (3, 17), (32, 1), "scratch", 96)
    flags = Buffer("flags", bool_, (5,), (1,), "scratch", 16)
    arena = arrange({odd: Lifetime(0, 1), flags: Lifetime(1, 2)})
    assert bytes_of(flags) == 64
    assert arena.peak == 96 * 8 + 64
    assert arena.peak_unpadded == 3 * 17 * 8 + 5


@pytest.mark.parametrize("seed", range(20))
def test_little_is_lost_between_values(seed: int) -> None:
    """Lifetimes like those of a step: in the forward pass they nest, the rest is short."""
    random = np.random.default_rng(seed)
    lifetimes: Lives = {}
    depth = int(random.integers(2, 12))
    for layer in range(depth):
        size = int(random.choice([64, 256, 1024])) * 128
        lifetimes[buffer(size)] = Lifetime(layer, 2 * depth - layer)
        back = 2 * depth - layer
        lifetimes[buffer(size + 1)] = Lifetime(back, back + 1)
        lifetimes[buffer(128)] = Lifetime(layer, layer + 1)
    arena = arrange(lifetimes)
    assert arena.size <= 1.15 * arena.peak + 1024


def test_a_gap_that_just_fits_is_used() -> None:
    """In lines of 16: 4 at times 0 and 1, then 3 at 1 and 2 above; 3 and 1 at 2 fill the gap."""
    sizes, times = (64, 48, 48, 16), ((0, 1), (1, 2), (2, 2), (2, 2))
    lives = {buffer(n): Lifetime(*each) for n, each in zip(sizes, times, strict=True)}
    assert list(arrange(lives).offsets.values()) == [0, 256, 0, 192]


def test_nothing_to_place() -> None:
    found = arrange({})
    assert found == Arena({}, found.size, 0, 0)
    assert found.size % 64 == 0


# ------------------------------------------------------------------------------------------ layout


@pytest.mark.parametrize(
    ("shape", "strides", "size"),
    [
        ((), (), 16),
        ((1,), (0,), 16),
        ((1, 1), (0, 0), 16),
        ((5,), (1,), 16),
        ((16,), (1,), 16),
        ((17,), (1,), 32),
        ((3, 5), (16, 1), 48),
        ((3, 1), (1, 0), 16),
        ((1, 17), (0, 1), 32),
        ((2, 3, 17), (96, 32, 1), 192),
        ((0, 3), (0, 0), 0),
        # 1024 floats are 4096 bytes: rows would fall on the same cache sets.
        ((4, 1024), (1040, 1), 4160),
        ((4, 256), (272, 1), 1088),
        ((4, 255), (272, 1), 1088),
        ((4, 240), (240, 1), 960),
        ((256,), (1,), 256),
    ],
)
def test_rows_are_padded(shape: tuple[int, ...], strides: tuple[int, ...], size: int) -> None:
    assert padded(shape, float32, row_major(shape)) == (strides, size)


def test_padding_depends_on_the_bytes_of_a_row() -> None:
    assert padded((4, 128), float64, (0, 1)) == ((144, 1), 576)
    assert padded((4, 128), float32, (0, 1)) == ((128, 1), 512)
    assert padded((4, 1024), bool_, (0, 1)) == ((1040, 1), 4160)


def test_matrices_of_state_lie_transposed() -> None:
    assert state_order((5, 17)) == (1, 0)
    assert state_order((2, 5, 17)) == (0, 2, 1)
    assert state_order((5, 1, 17)) == (2, 1, 0)
    assert state_order((5, 17, 1)) == (1, 0, 2)
    assert state_order((1, 17)) == (0, 1)
    assert state_order((17,)) == (0,)
    assert state_order(()) == ()
    assert padded((5, 17), float32, state_order((5, 17))) == ((1, 16), 272)


def test_tables_have_no_padding() -> None:
    assert dense((2, 3, 5)) == ((15, 5, 1), 30)
    assert dense((2, 1, 5)) == ((5, 0, 1), 10)
    assert dense(()) == ((), 1)
    assert dense((0, 3))[1] == 0
