"""Random bits: their authors' known answers; a function of key and position, and nothing else."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

import steepest as st
from steepest.errors import ShapeError
from steepest.ir.types import Array, DType, float32, float64
from steepest.ops.philox import philox4x32
from steepest.ops.random import normal_bits, random_bits, uniform_bits
from steepest.tensor.tensor import Tensor

Word4 = tuple[int, int, int, int]

# kat_vectors of Random123 1.14, philox4x32 with 10 rounds: counter, key, answer.
KNOWN: list[tuple[Word4, tuple[int, int], Word4]] = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter: Word4, key: tuple[int, int], answer: Word4) -> None:
    assert tuple(int(word) for word in philox4x32(counter, key)) == answer


def test_arrays_of_counters_and_keys_broadcast() -> None:
    counters = tuple(np.array([known[0][i] for known in KNOWN]) for i in range(4))
    keys = tuple(np.array([known[1][i] for known in KNOWN]) for i in range(2))
    found = np.stack(
        philox4x32((counters[0], counters[1], counters[2], counters[3]), (keys[0], keys[1])), -1
    )
    assert found.dtype == np.uint32
    assert found.tolist() == [list(known[2]) for known in KNOWN]


def words(
    shape: tuple[int, ...], *, seed: int = 5, member: int = 0, step: int = 0, site: int = 0
) -> Array:
    key = Tensor(np.array([seed, member], np.uint32), None)
    return random_bits(key, Tensor(np.array(step, np.uint32), None), site=site, shape=shape).numpy()


def test_the_bits_are_those_of_the_counter_block_row_step_site() -> None:
    found = words((3, 6), seed=7, member=2, step=11, site=4)
    for row in range(3):
        for block in range(2):
            expected = philox4x32((block, row, 11, 4), (7, 2))
            part = found[row, 4 * block : 4 * block + 4]
            assert part.tolist() == [int(word) for word in expected][: len(part)]


def test_a_row_does_not_depend_on_the_batch_it_is_in() -> None:
    whole = words((100, 7))
    assert np.array_equal(words((13, 7)), whole[:13])
    assert np.array_equal(words((1, 7)), whole[:1])
    assert np.array_equal(words((100, 7, 1)), whole[..., None])
    assert np.array_equal(words((100, 3)), whole[:, :3])


def test_any_difference_in_the_key_or_the_counter_gives_other_bits() -> None:
    drawn = [
        words((8, 8)),
        words((8, 8), seed=6),
        words((8, 8), member=1),
        words((8, 8), step=1),
        words((8, 8), site=1),
    ]
    for i, first in enumerate(drawn):
        for second in drawn[i + 1 :]:
            assert np.mean(first == second) == 0.0
    assert len(np.unique(drawn[0])) == 64


def test_shapes_of_every_rank() -> None:
    for shape in [(), (1,), (5,), (0,), (3, 0), (0, 3), (2, 3, 4)]:
        assert words(shape).shape == shape
    assert words(()).tolist() == words((1,)).tolist()[0]


def test_bits_of_several_members_at_once() -> None:
    keys = Tensor(np.array([[5, 0], [5, 1], [9, 0]], np.uint32), None)
    steps = Tensor(np.array([0, 0, 3], np.uint32), None)
    found = random_bits(keys, steps, site=2, shape=(4, 5)).numpy()
    assert np.array_equal(found[0], words((4, 5), site=2))
    assert np.array_equal(found[1], words((4, 5), member=1, site=2))
    assert np.array_equal(found[2], words((4, 5), seed=9, step=3, site=2))


def test_a_key_is_two_words() -> None:
    with pytest.raises(ShapeError, match="a key is two words"):
        random_bits(st.zeros((3,), dtype=st.uint32), st.tensor(0), site=0, shape=(2,))


def drawn(
    draw: Callable[..., Tensor], shape: tuple[int, ...], dtype: DType, site: int = 0
) -> Array:
    key = Tensor(np.array([3, 0], np.uint32), None)
    step = Tensor(np.array(0, np.uint32), None)
    return draw(key, step, site=site, shape=shape, dtype=dtype).numpy()


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_uniform_numbers_are_uniform(dtype: DType) -> None:
    x = drawn(uniform_bits, (50, 1000), dtype).ravel()
    assert x.dtype == dtype
    assert x.min() >= 0
    assert x.max() < 1
    assert scipy.stats.kstest(x, "uniform").pvalue > 0.01
    counts = np.bincount((x * 64).astype(int), minlength=64)
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    assert len(np.unique(x)) > (49_000 if dtype == float32 else 49_999)
    pairs = np.corrcoef(x[:-1], x[1:])[0, 1]
    assert abs(pairs) < 4 / np.sqrt(len(x))


def test_uniform_numbers_are_the_high_bits() -> None:
    single = drawn(uniform_bits, (64,), float32)
    assert np.array_equal(single, (words((64,), seed=3) >> 8).astype(np.float32) / 2**24)
    double = drawn(uniform_bits, (64,), float64)
    high, low = words((64,), seed=3).astype(np.uint64), words((64,), seed=3, site=1) >> 6
    assert np.array_equal(double, ((high >> np.uint64(5)) * 2.0**26 + low) / 2.0**53)


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_normal_numbers_are_normal(dtype: DType) -> None:
    x = drawn(normal_bits, (50, 1000), dtype).ravel()
    assert x.dtype == dtype
    assert np.isfinite(x).all()
    assert scipy.stats.kstest(x, "norm").pvalue > 0.01
    assert abs(x.mean()) < 4 / np.sqrt(len(x))
    assert abs(x.std() - 1) < 4 / np.sqrt(2 * len(x))
    assert abs(scipy.stats.kurtosis(x)) < 0.1


def test_draws_of_different_sites_are_independent() -> None:
    x = drawn(uniform_bits, (40_000,), float64, site=0)
    y = drawn(uniform_bits, (40_000,), float64, site=1)
    assert abs(np.corrcoef(x, y)[0, 1]) < 4 / np.sqrt(40_000)
