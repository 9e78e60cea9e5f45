"""Usable records become pages: Parquet shards of PNGs, and the manifest that says how each was made.

Pages are drawn in chunks, each a file in the work folder that appears whole or not at all; a killed run
keeps its chunks. Shards are then cut from the chunks in index order, so their bytes depend neither on the
number of workers nor on where a run was interrupted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from twelvelead.data.index import read_validated
from twelvelead.data.pool import in_order
from twelvelead.data.shard import ShardWriter, write_parquet
from twelvelead.data.wfdb import read_record
from twelvelead.errors import DataError
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.page import PageStyle, render
from twelvelead.params import Synthesize
from twelvelead.progress import say, track

PAGES_PER_CHUNK = 64  # well under a second of work: little to lose, little to coordinate
CHUNKS_ALONE = 8  # fewer are drawn before a worker process has loaded numba and pandas
MM_PER_INCH = 25.4
CLEAN = "none"
MANIFEST = "manifest.parquet"
Summary = dict[str, Any]

_BOX = pa.struct([("name", pa.string()), *((edge, pa.int32()) for edge in ("x0", "y0", "x1", "y1"))])
PAGE = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("page_id", pa.string()),
        ("record_id", pa.string()),
        ("patient_id", pa.string()),
        ("fold", pa.int8()),
        ("layout", pa.string()),
        ("dpi", pa.float32()),
        ("degradation", pa.string()),
        ("seed", pa.int64()),
        ("boxes", pa.list_(_BOX)),
    ]
)
MANIFEST_ROW = pa.schema(
    [
        ("page_id", pa.string()),
        ("record_id", pa.string()),
        ("patient_id", pa.string()),
        ("fold", pa.int8()),
        ("shard", pa.string()),
        ("row", pa.int32()),
        ("sha256", pa.string()),  # of the PNG
        ("layout", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("px_mm", pa.float32()),
        ("speed_mm_s", pa.float32()),
        ("gain_mm_mv", pa.float32()),
        ("grid", pa.string()),
        ("degradation", pa.string()),
        ("seed", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """What is needed to draw the page of one record."""

    record_id: str
    patient_id: str
    fold: int
    path: Path


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring pages, drawn in one go by one worker into one file."""

    file: Path
    sources: tuple[Source, ...]
    style: PageStyle
    seed: int


def synthesize(inputs: Mapping[str, Path], output: Path, params: Synthesize, work: Path) -> Summary:
    """Draw one page of each usable record into `output`: pages-*.parquet and manifest.parquet.

    Returns:
        Counts of pages, shards, bytes and pages a fold; size and resolution of a page.

    Raises:
        DataError: No record is usable.
        RecordError: A record that validation let pass cannot be read or drawn.
    """
    frame, _ = read_validated(inputs["validation"])
    if frame.empty:
        raise DataError(
            "no usable record, so no page",
            where=str(inputs["validation"]),
            fix="see quarantine.parquet there for the reasons",
        )
    columns = (frame[name] for name in ("record_id", "patient_id", "fold", "path"))
    sources = [
        Source(record, patient, int(fold), inputs["records"] / path)
        for record, patient, fold, path in zip(*columns, strict=True)
    ]
    style = PageStyle.from_params(params)
    chunks = [
        Chunk(
            work / f"chunk-{start:08d}.parquet",
            tuple(sources[start : start + PAGES_PER_CHUNK]),
            style,
            params.seed,
        )
        for start in range(0, len(sources), PAGES_PER_CHUNK)
    ]
    _draw(chunks)
    writer = ShardWriter(output, "pages", PAGE, params.shard_mb)
    manifest, size_bytes = [], 0
    for chunk in chunks:
        for row in pq.read_table(chunk.file).to_pylist():
            image = row["image"]["bytes"]
            shard, number = writer.next_place()
            manifest.append(_manifest_row(row, style, shard, number))
            writer.add(row, len(image))
            size_bytes += len(image)
    shards = writer.close()
    write_parquet(pa.Table.from_pylist(manifest, schema=MANIFEST_ROW), output / MANIFEST)
    folds = Counter(source.fold for source in sources)
    return {
        "pages": len(sources),
        "shards": len(shards),
        "png_bytes": size_bytes,
        "folds": {str(fold): folds[fold] for fold in sorted(folds)},
        "layout": style.layout,
        "width_px": style.width_px,
        "height_px": style.height_px,
        "px_mm": style.px_mm,
    }


def _draw(chunks: list[Chunk]) -> None:
    """Draw the chunks that are not there yet."""
    todo = [chunk for chunk in chunks if not chunk.file.is_file()]
    if len(todo) < len(chunks):
        say(f"going on: {len(chunks) - len(todo)} of {len(chunks)} chunks of an earlier run are whole")

    def pages() -> Iterator[None]:
        drawn = in_order(_draw_chunk, todo) if len(todo) > CHUNKS_ALONE else map(_draw_chunk, todo)
        for count in drawn:
            yield from (None for _ in range(count))

    for _ in track(pages(), total=sum(len(chunk.sources) for chunk in todo), title="drawing", unit="pages"):
        pass


def _draw_chunk(chunk: Chunk) -> int:
    rows = [_page_row(source, chunk.style, chunk.seed) for source in chunk.sources]
    write_parquet(pa.Table.from_pylist(rows, schema=PAGE), chunk.file)
    return len(rows)


def _page_row(source: Source, style: PageStyle, seed: int) -> dict[str, Any]:
    record = read_record(source.path)
    page = render(record.signal_mv, record.fs_hz, style)
    page_id = f"{source.record_id}-0"
    return {
        "image": {"bytes": png_bytes(page), "path": f"{page_id}.png"},
        "page_id": page_id,
        "record_id": source.record_id,
        "patient_id": source.patient_id,
        "fold": source.fold,
        "layout": style.layout,
        "dpi": page.px_mm * MM_PER_INCH,
        "degradation": CLEAN,
        "seed": seed,
        "boxes": [asdict(box) for box in page.boxes],
    }


def _manifest_row(row: Mapping[str, Any], style: PageStyle, shard: str, number: int) -> dict[str, Any]:
    kept = ("page_id", "record_id", "patient_id", "fold", "layout", "degradation", "seed")
    return {
        **{name: row[name] for name in kept},
        "shard": shard,
        "row": number,
        "sha256": hashlib.sha256(row["image"]["bytes"]).hexdigest(),
        "width_px": style.width_px,
        "height_px": style.height_px,
        "px_mm": style.px_mm,
        "speed_mm_s": style.speed_mm_s,
        "gain_mm_mv": style.gain_mm_mv,
        "grid": style.grid,
    }
