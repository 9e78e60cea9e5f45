"""Usable records become pages: Parquet shards of PNGs and JPEGs, and the manifest: how each was made.

Pages are drawn in chunks, each a file in the work folder that appears whole or not at all; a killed run
keeps its chunks. Shards are then cut from the chunks in index order, so their bytes depend neither on the
number of workers nor on where a run was interrupted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from twelvelead.data.index import read_validated
from twelvelead.data.pool import in_order
from twelvelead.data.shard import ROWS_PER_GROUP, ShardWriter, write_parquet
from twelvelead.data.wfdb import read_record
from twelvelead.ecg.record import Record
from twelvelead.errors import DataError
from twelvelead.paper.look import draw_look, look_of, picture
from twelvelead.paper.page import PageStyle
from twelvelead.paper.words import EVALUATED_FOLDS
from twelvelead.params import Synthesize
from twelvelead.progress import say, track

PAGES_PER_CHUNK = 64  # well under a second of work: little to lose, little to coordinate
CHUNKS_ALONE = 8  # fewer are drawn before a worker process has loaded numba and pandas
MM_PER_INCH = 25.4
WORD_FACTS = ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")  # what a page may print
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
        ("variant", pa.int32()),
        ("layout", pa.string()),
        ("dpi", pa.float32()),
        ("degradation", pa.string()),
        ("seed", pa.int64()),
        ("boxes", pa.list_(_BOX)),
        ("look", pa.string()),  # JSON, see `paper.look.look_of`
        ("truth", pa.binary()),  # see `paper.sidecar`; null unless asked for
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
        ("sha256", pa.string()),  # of the PNG or JPEG
        ("variant", pa.int32()),
        ("layout", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("px_mm", pa.float32()),
        ("speed_mm_s", pa.float32()),
        ("gain_mm_mv", pa.float32()),
        ("grid", pa.string()),
        ("degradation", pa.string()),
        ("seed", pa.int64()),
        ("look", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """What is needed to draw one page."""

    record_id: str
    patient_id: str
    fold: int
    path: Path
    variant: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring pages, drawn in one go by one worker into one file."""

    file: Path
    sources: tuple[Source, ...]
    params: Synthesize


def synthesize(inputs: Mapping[str, Path], output: Path, params: Synthesize, work: Path) -> Summary:
    """Draw the pages of all usable records into `output`: pages-*.parquet and manifest.parquet.

    A training record has `variants` pages, one of folds 9 and 10 has one.

    Returns:
        Counts of pages, shards, bytes and pages a fold; size and resolution of a page of the fixed look.

    Raises:
        DataError: No record is usable.
        RecordError: A record that validation let pass cannot be read or drawn.
        LeakageError: Words would be printed on a page of folds 9 or 10.
    """
    chunks = plan_chunks(inputs, params, work)
    draw_chunks(chunks)
    writer = ShardWriter(output, "pages", PAGE, params.shard_mb)
    size_bytes = 0
    with _Manifest(output / MANIFEST) as manifest:
        for chunk in chunks:
            for row in pq.read_table(chunk.file).to_pylist():
                data = row["image"]["bytes"]
                shard, number = writer.next_place()
                manifest.add(_manifest_row(row, shard, number))
                writer.add(row, len(data) + len(row["truth"] or b""))
                size_bytes += len(data)
    shards = writer.close()
    folds = Counter(source.fold for chunk in chunks for source in chunk.sources)
    style = PageStyle.from_params(params)
    return {
        "pages": folds.total(),
        "shards": len(shards),
        "image_bytes": size_bytes,
        "folds": {str(fold): folds[fold] for fold in sorted(folds)},
        "layout": style.layout,
        "width_px": style.width_px,
        "height_px": style.height_px,
        "px_mm": style.px_mm,
    }


def plan_chunks(inputs: Mapping[str, Path], params: Synthesize, folder: Path) -> list[Chunk]:
    """Which pages there will be, cut into chunks whose files lie in `folder`. Depends on the index alone.

    Raises:
        DataError: No record is usable.
    """
    frame, _ = read_validated(inputs["validation"])
    if frame.empty:
        raise DataError(
            "no usable record, so no page",
            where=str(inputs["validation"]),
            fix="see quarantine.parquet there for the reasons",
        )
    sources = _sources(frame, inputs["records"], params)
    return [
        Chunk(
            folder / f"chunk-{start:08d}.parquet",
            tuple(sources[start : start + PAGES_PER_CHUNK]),
            params,
        )
        for start in range(0, len(sources), PAGES_PER_CHUNK)
    ]


class _Manifest:
    """The manifest, written a row group at a time: a million rows at once are gigabytes of Python.

    Its bytes are those that `write_parquet` makes of the whole table.
    """

    def __init__(self, path: Path) -> None:
        strings = [field.name for field in MANIFEST_ROW if pa.types.is_string(field.type)]
        self._file = pq.ParquetWriter(
            path, MANIFEST_ROW, compression="zstd", compression_level=3, use_dictionary=strings,
            data_page_version="1.0", version="2.6",
        )  # fmt: skip
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> _Manifest:
        return self

    def __exit__(self, *fault: object) -> None:
        if self._rows:
            self._flush()
        self._file.close()

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._file.write_table(pa.Table.from_pylist(self._rows, schema=MANIFEST_ROW))
        self._rows = []


def _sources(frame: Any, records: Path, params: Synthesize) -> list[Source]:
    known = [name for name in WORD_FACTS if name in frame] if params.words else []
    found = []
    for row in frame.to_dict("records"):
        pages = 1 if row["fold"] in EVALUATED_FOLDS else params.variants
        facts = {name: row[name] for name in known}
        path = records / row["path"]  # one for all variants: of a million pages every byte is a megabyte
        found += [
            Source(row["record_id"], row["patient_id"], int(row["fold"]), path, variant, facts)
            for variant in range(pages)
        ]
    return found


def draw_chunks(chunks: list[Chunk]) -> None:
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
    rows = []
    record: Record | None = None
    for number, source in enumerate(chunk.sources):
        if record is None or source.path != chunk.sources[number - 1].path:
            record = read_record(source.path)
        rows.append(_page_row(source, record, chunk.params))
    write_parquet(pa.Table.from_pylist(rows, schema=PAGE), chunk.file)
    return len(rows)


def _page_row(source: Source, record: Record, params: Synthesize) -> dict[str, Any]:
    look = draw_look(params, source.record_id, source.variant, source.fold, source.facts)
    drawn = picture(record.signal_mv, record.fs_hz, look, source.fold, sidecar=params.truth == "traces")
    page_id = f"{source.record_id}-{source.variant}"
    return {
        "image": {"bytes": drawn.data, "path": f"{page_id}{drawn.suffix}"},
        "page_id": page_id,
        "record_id": source.record_id,
        "patient_id": source.patient_id,
        "fold": source.fold,
        "variant": source.variant,
        "layout": look.style.layout,
        "dpi": look.style.px_mm * MM_PER_INCH,
        "degradation": look.preset,
        "seed": params.seed,
        "boxes": [dict(zip(("name", "x0", "y0", "x1", "y1"), box, strict=True)) for box in drawn.boxes],
        "look": look.state(),
        "truth": drawn.truth or None,
    }


def _manifest_row(row: Mapping[str, Any], shard: str, number: int) -> dict[str, Any]:
    kept = ("page_id", "record_id", "patient_id", "fold", "variant", "layout", "degradation", "seed", "look")
    style = look_of(row["look"]).style
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
