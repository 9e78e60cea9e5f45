"""A share of the pages, drawn apart, so that many pods share one synthesis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.errors import ParamsError
from twelvelead.params import Params
from twelvelead.stages.run import leave_pieces, work_of


def draw(inputs: Mapping[str, Path], output: Path, params: Params, part: int, parts: int) -> dict[str, Any]:
    """Draw every `parts`-th chunk of pages, from number `part` on, into `output`.

    Chunks are made in the work folder of `synthesize`: where pods share one, a killed share goes on, and
    nothing that another attempt made is drawn again.

    Args:
        inputs: "validation" and "records".
        output: Folder to make.
        params: The whole tree.
        part: Which share, from 0.
        parts: How many shares there are.

    Returns:
        How many chunks and pages this share has.

    Raises:
        ParamsError: There is no such share.
        DataError, RecordError, LeakageError: As `synthesize`.
    """
    from twelvelead.stages.synthesize import draw_chunks, plan_chunks

    if not 0 <= part < parts:
        raise ParamsError(f"there is no part {part} of {parts}", expected=f"0 to {parts - 1}")
    work, key = work_of("synthesize", inputs, output, params)
    work.mkdir(parents=True, exist_ok=True)
    share = plan_chunks(inputs, params.synthesize, work)[part::parts]
    draw_chunks(share)
    leave_pieces((chunk.file for chunk in share), output, key)
    return {"chunks": len(share), "pages": sum(len(chunk.sources) for chunk in share)}
