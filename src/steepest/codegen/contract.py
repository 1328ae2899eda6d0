"""Contractions: Σₖ left · right in tiles that stay in registers; each tile ends with the stores.

Products are summed in chains of BLOCK multiply-adds; what the chains give is added in order. So
each sum's bits depend on nothing but its own products.
"""

from __future__ import annotations

from steepest.codegen.code import Code
from steepest.codegen.contract_blocks import Blocks
from steepest.codegen.contract_dots import Dots
from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Frame
from steepest.codegen.contract_plan import planned
from steepest.codegen.contract_tile import Tile
from steepest.codegen.target import Target
from steepest.codegen.text import Text
from steepest.schedule.kernels import Kernel


def contraction(kernel: Kernel, target: Target) -> Code:
    """The function of a kernel that has a contraction.

    Args:
        kernel: any extents, also 0 and 1.
        target: the processor.
    """
    text = Text()
    if 0 in kernel.space:
        return text.code()
    plan = planned(kernel, target)
    frame = Frame(text, target, kernel, plan)
    dots = Dots(frame, target) if plan.panel == "dots" else None
    simple = plan.panel == "none" and not plan.in_blocks and frame.epilogue.in_registers
    blocks = None if simple or dots else Blocks(frame)
    with frame.batches() as batch:
        rows = frame.operand(plan.rows, batch)
        columns = frame.operand(plan.columns, batch)
        block = Block(batch, 0, 0)
        work = dots or blocks
        if work is None:
            _in_place(frame, block, rows, columns)
        else:
            work.write(block, rows, columns)
    return text.code()


def _in_place(frame: Frame, block: Block, rows: str, columns: str) -> None:
    """The loops where operands are read where they lie and sums go from registers to the stores."""
    plan, text = frame.plan, frame.text
    for across in frame.widths:
        with text.loop(across.start, across.stop, across.size) as wide:
            source = frame.moved(columns, wide.index, frame.column_stride)
            for down in frame.heights:
                tile = Tile(down.size, across.size // plan.lanes)
                with text.loop(down.start, down.stop, down.size) as high:
                    pointers = frame.moved(rows, high.index, frame.row_stride), source
                    step, count = frame.column_step, frame.summed
                    sums = frame.products(tile, frame.rows, pointers, step, count)
                    frame.epilogue.finish(Block(block.batch, high.index, wide.index), tile, sums)
