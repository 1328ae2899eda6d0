"""The loop whose speed is the processor's peak does what it says."""

import numpy as np
import pytest

from codegen.native import TARGETS, Native, aligned, flat, widths
from steepest.codegen.peak import CHAINS, operations, peak
from steepest.ir.types import float32


@pytest.mark.parametrize("lanes", widths())
def test_each_chain_adds_the_product_each_turn(lanes: int) -> None:
    buffer = flat("memory", 48, float32)
    memory = {buffer: aligned(np.full(48, 2, np.float32))}
    assert Native(peak(TARGETS[lanes], 100, buffer), lanes)(memory) == 0
    assert (memory[buffer][2 * lanes : 3 * lanes] == CHAINS * 100 * 4).all()
    assert operations(TARGETS[lanes], 100) == 2 * 100 * CHAINS * lanes
