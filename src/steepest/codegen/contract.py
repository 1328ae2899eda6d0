"""Contractions: Σₖ left · right in tiles that stay in registers; each tile ends with the stores.

Products are summed in chains of BLOCK multiply-adds; what the chains give is added in order. So
each sum's bits depend on nothing but its own products.
"""

from __future__ import annotations

from steepest.codegen.code import Code
from steepest.codegen.contract_blocks import Blocks
from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Frame
from steepest.codegen.contract_plan import BLOCK, planned
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
    blocks = None if plan.panel == "none" else Blocks(frame)
    with frame.batches() as batch:
        rows = frame.operand(plan.rows, batch)
        columns = frame.operand(plan.columns, batch)
        block = Block(batch, 0, 0)
        if blocks is None:
            _in_place(frame, block, rows, columns)
        else:
            blocks.write(block, rows, columns)
    return text.code()


def _in_place(frame: Frame, block: Block, rows: str, columns: str) -> None:
    """The loops where both operands are read where they lie."""
    plan, text = frame.plan, frame.text
    for across in frame.widths:
        with text.loop(across.start, across.stop, across.size) as wide:
            source = frame.moved(columns, wide.index, frame.column_stride)
            for down in frame.heights:
                tile = Tile(down.size, across.size // plan.lanes)
                with text.loop(down.start, down.stop, down.size) as high:
                    here = Block(block.batch, high.index, wide.index)
                    pointers = frame.moved(rows, high.index, frame.row_stride), source
                    _tile(frame, here, tile, pointers)


def _tile(frame: Frame, block: Block, tile: Tile, pointers: tuple[str, str]) -> None:
    """One tile to its end; between blocks its totals wait on the stack."""
    epilogue, step = frame.epilogue, frame.column_step
    if not frame.plan.in_blocks:
        sums = frame.products(tile, frame.rows, pointers, step, frame.summed)
        epilogue.finish(block, tile, sums)
        return
    totals = epilogue.stage()
    frame.clear(totals, tile)
    with frame.text.loop(0, frame.summed, BLOCK) as deep:
        places = (
            frame.moved(pointers[0], deep.index, frame.rows.step),
            frame.moved(pointers[1], deep.index, step),
        )
        count = frame.block_length(deep.index)
        frame.add(totals, frame.products(tile, frame.rows, places, step, count))
    epilogue.finish_stored(block, tile, totals)
