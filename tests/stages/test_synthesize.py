"""Usable records become pages, whatever the number of workers and however often a run is killed."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from twelvelead.data.index import INDEX
from twelvelead.data.shard import read_pages, write_parquet
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.errors import DataError, RecordError
from twelvelead.paper.look import look_of, picture
from twelvelead.paper.page import PageStyle, render
from twelvelead.paper.sidecar import read_sidecar
from twelvelead.params import from_json, parse
from twelvelead.stages import synthesize as stage
from twelvelead.stages.run import run

QUARANTINED = 4
FOLDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10)
KILLED = """
import os, signal, sys
from pathlib import Path
from twelvelead.params import from_json
from twelvelead.stages import synthesize as stage
from twelvelead.stages.run import run

draw = stage._draw_chunk
def dying(chunk):
    if chunk.sources[0].record_id == "00008":
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(chunk)

stage.PAGES_PER_CHUNK, stage._draw_chunk = 3, dying
at = Path(sys.argv[1])
inputs = {name: at / name for name in ("validation", "records")}
run("synthesize", inputs, at / "pages", from_json(sys.argv[2]))
"""


def signal_uv(number, noise_uv):
    """(5000, 12) int16 µV: a beat of its own height and period in each lead, and noise."""
    time_ms = 2 * np.arange(5000)[:, None] + 37 * number
    heights_uv = np.linspace(-700, 900, 12) + 20 * number
    beat = np.exp(-(((time_ms % (700 + 20 * number) - 300) / 30.0) ** 2))
    noise = np.random.default_rng(number).integers(-noise_uv, noise_uv + 1, (5000, 12))
    return np.rint(beat * heights_uv + noise).astype(np.int16)


def contents(folder):
    """Every file of a folder: relative path → bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_inputs(at, noise_uv=0):
    """Twelve records of which one, 00004, is quarantined."""
    rows = []
    for number, fold in enumerate(FOLDS, start=1):
        path = f"records500/00000/{number:05d}_hr"
        (at / "records" / path).parent.mkdir(parents=True, exist_ok=True)
        sha256 = write_record(at / "records" / path, signal_uv(number, noise_uv), 500)
        rows.append(
            {
                "record_id": f"{number:05d}", "source": "ptb-xl", "patient_id": f"p{number}",
                "age": 60.0, "sex": "male", "fold": fold, "path": path, "fs_hz": 500.0, "n_samples": 5000,
                "statements": [{"code": "NORM", "likelihood": 100.0}], "report": "sinus rhythm",
                "sha256": sha256, "status": "quarantined" if number == QUARANTINED else "ok",
            }
        )  # fmt: skip
    (at / "validation").mkdir()
    table = pa.Table.from_pylist(rows, schema=INDEX.append(pa.field("status", pa.string())))
    write_parquet(table, at / "validation" / "index.parquet")
    (at / "validation" / "statements.json").write_text(json.dumps({"scored": ["NORM"]}), encoding="utf-8")
    return at


def synthesize(at, output="pages", **section):
    tree = parse({"synthesize": section}, where="test")
    return run("synthesize", {name: at / name for name in ("validation", "records")}, at / output, tree)


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    at = write_inputs(tmp_path_factory.mktemp("made"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWELVELEAD_WORKERS", "1")
        return at, synthesize(at)


def test_every_usable_record_has_one_page_and_a_quarantined_one_has_none(made):
    at, summary = made
    rows = list(read_pages(at / "pages"))
    expected = [f"{number:05d}" for number in range(1, 13) if number != QUARANTINED]
    assert [row["record_id"] for row in rows] == expected
    assert [row["page_id"] for row in rows] == [f"{record}-0" for record in expected]
    assert summary["pages"] == 11
    assert summary["folds"] == {**dict.fromkeys("1235678", 1), "9": 2, "10": 2}
    assert json.loads(json.dumps(summary)) == summary


def test_a_page_shows_its_own_record(made):
    at, _ = made
    for row in read_pages(at / "pages", folds=[7, 10]):
        record = read_record(at / "records" / f"records500/00000/{row['record_id']}_hr")
        page = render(record.signal_mv, record.fs_hz, PageStyle())
        with Image.open(io.BytesIO(row["image"]["bytes"])) as picture:
            assert np.array_equal(np.asarray(picture.convert("RGB")), page.rgb())
        assert [box["name"] for box in row["boxes"]] == [box.name for box in page.boxes]
        assert row["boxes"][1]["y1"] == page.boxes[1].y1
        assert row["dpi"] == pytest.approx(page.px_mm * 25.4)


def test_pages_of_one_fold_can_be_read_alone(made):
    at, _ = made
    assert [row["record_id"] for row in read_pages(at / "pages", folds=[10])] == ["00011", "00012"]


def test_the_manifest_says_where_each_page_lies_and_how_it_was_made(made):
    at, _ = made
    manifest = pd.read_parquet(at / "pages" / "manifest.parquet")
    assert len(manifest) == 11
    for row in manifest.itertuples():
        page = pq.read_table(at / "pages" / row.shard).slice(row.row, 1).to_pylist()[0]
        assert page["page_id"] == row.page_id
        assert hashlib.sha256(page["image"]["bytes"]).hexdigest() == row.sha256
        assert (page["patient_id"], page["fold"], page["layout"]) == (row.patient_id, row.fold, row.layout)
        assert (row.width_px, row.height_px, row.speed_mm_s, row.gain_mm_mv) == (336, 336, 25.0, 10.0)
        assert (row.grid, row.degradation) == ("red", "clean")
        assert row.px_mm == pytest.approx(336 / 264)


def test_shards_open_without_twelvelead(made):
    at, _ = made
    frame = pd.read_parquet(at / "pages" / "pages-00000.parquet")
    with Image.open(io.BytesIO(frame["image"][0]["bytes"])) as picture:
        assert picture.size == (336, 336)
    assert set(stage.PAGE.names) == set(frame.columns)


def test_shards_are_cut_at_about_the_size_asked_for(tmp_path):
    at = write_inputs(tmp_path, noise_uv=300)  # noisy pages are heavy pages
    section = {"layout": "3x4+1r", "width_px": 1680, "height_px": 840}
    one = synthesize(at, **section)
    several = synthesize(at, "small", **section, shard_mb=1)
    assert one["shards"] == 1
    assert several["shards"] >= 2
    manifest = pd.read_parquet(at / "small" / "manifest.parquet")
    assert manifest["shard"].nunique() == several["shards"]
    ours, theirs = (list(read_pages(at / folder)) for folder in ("pages", "small"))
    assert ours == theirs
    for row in manifest.itertuples():
        page = pq.read_table(at / "small" / row.shard, columns=["page_id"]).slice(row.row, 1)
        assert page["page_id"].to_pylist() == [row.page_id]


def test_two_workers_make_the_bytes_of_one(inputs, monkeypatch):
    synthesize(inputs, "one")
    monkeypatch.setattr(stage, "PAGES_PER_CHUNK", 1)
    monkeypatch.setattr(stage, "CHUNKS_ALONE", 0)
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    synthesize(inputs, "two")
    assert contents(inputs / "one") == contents(inputs / "two")


def test_a_killed_run_goes_on_where_it_was_to_the_same_bytes(inputs, monkeypatch):
    tree = parse({}, where="test")
    command = [sys.executable, "-c", KILLED, str(inputs), tree.to_json()]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert not (inputs / "pages").exists()
    drawn = []

    def counting(*arguments, **named):
        drawn.append(1)
        return picture(*arguments, **named)

    monkeypatch.setattr(stage, "picture", counting)
    monkeypatch.setattr(stage, "PAGES_PER_CHUNK", 3)
    run(
        "synthesize",
        {name: inputs / name for name in ("validation", "records")},
        inputs / "pages",
        from_json(tree.to_json()),
    )
    assert len(drawn) == 11 - 6  # two chunks of three were whole
    monkeypatch.undo()
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    synthesize(inputs, "unbroken")
    assert contents(inputs / "pages") == contents(inputs / "unbroken")


def test_without_a_usable_record_there_are_no_pages(inputs):
    path = inputs / "validation" / "index.parquet"
    table = pq.read_table(path)
    table = table.set_column(
        table.schema.get_field_index("status"), "status", pa.array(["quarantined"] * len(table))
    )
    write_parquet(table, path)
    with pytest.raises(DataError, match="no usable record") as fault:
        synthesize(inputs)
    assert fault.value.exit_code == 3


def test_a_record_broken_since_validation_is_named_and_finished_pages_are_kept(inputs, monkeypatch):
    monkeypatch.setattr(stage, "PAGES_PER_CHUNK", 4)
    broken = inputs / "records" / "records500/00000/00011_hr.dat"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:1000])
    with pytest.raises(RecordError, match="00011"):
        synthesize(inputs)
    assert not (inputs / "pages").exists()
    assert len(list((inputs / ".work").rglob("chunk-*.parquet"))) == 2


VARIED = {
    "layout": "3x4+1r", "width_px": 1120, "height_px": 560, "look": "varied", "degradation": "photo",
    "evaluate_degradation": "scan", "variants": 3, "words": True, "truth": "traces",
}  # fmt: skip


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    at = write_inputs(tmp_path_factory.mktemp("varied"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWELVELEAD_WORKERS", "1")
        return at, synthesize(at, **VARIED)


def test_training_records_have_several_different_pages_and_evaluated_ones_exactly_one(varied):
    at, summary = varied
    assert summary["folds"] == {**dict.fromkeys("1235678", 3), "9": 2, "10": 2}
    rows = list(read_pages(at / "pages"))
    assert len({row["image"]["bytes"] for row in rows}) == len(rows) == 25
    looks = [look_of(row["look"]) for row in rows if row["fold"] < 9]
    assert len({look.style for look in looks}) > 10
    for row in rows:
        assert row["page_id"] == f"{row['record_id']}-{row['variant']}"
        with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
            assert image.format == ("JPEG" if row["image"]["path"].endswith(".jpg") else "PNG")
            assert image.size == (1120, 560)


def test_evaluated_pages_have_the_fixed_look_and_no_word_on_them(varied):
    at, _ = varied
    printed = {9: set(), 10: set(), 1: set()}
    for row in read_pages(at / "pages"):
        truth = read_sidecar(row["truth"])
        fold = row["fold"] if row["fold"] > 8 else 1
        printed[fold] |= {mark.text for mark in truth.scene.marks if mark.kind == "text"}
        if fold > 1:
            assert truth.scene.style == PageStyle("3x4+1r", 1120, 560)
            assert row["degradation"] == "scan"
    assert printed[9] | printed[10] == {"25 mm/s  10 mm/mV"}
    assert any(text.startswith("ID ") for text in printed[1])


def test_boxes_and_truth_agree_and_stay_on_the_picture(varied):
    at, _ = varied
    for row in read_pages(at / "pages", folds=[1, 10]):
        truth = read_sidecar(row["truth"])
        assert [box["name"] for box in row["boxes"]] == [trace.strip.name for trace in truth.scene.traces]
        assert len(row["truth"]) <= 20_000
        for box in row["boxes"]:
            middle = (box["x0"] + box["x1"]) / 2, (box["y0"] + box["y1"]) / 2
            assert 0 < middle[0] < 1120
            assert 0 < middle[1] < 560


DIGESTS = """
import hashlib, json, sys
import numpy as np
from twelvelead.paper.look import draw_look, picture
from twelvelead.params import from_json

params = from_json(sys.argv[1]).synthesize
t = np.arange(5000) / 500
signal = np.outer(np.linspace(-1, 1, 12), np.exp(-(((t % 0.8) - 0.4) / 0.02) ** 2)).astype(np.float32)
digests = []
for record, variant, fold in (("a", 0, 1), ("a", 1, 1), ("b", 0, 3), ("c", 0, 10)):
    look = draw_look(params, record, variant, fold)
    digests.append(hashlib.sha256(picture(signal, 500, look, fold, sidecar=True).data).hexdigest())
print(json.dumps(digests))
"""


def test_the_same_seed_record_and_variant_give_the_same_picture_on_another_instruction_set(tmp_path):
    tree = parse({"synthesize": VARIED | {"degradation": "harsh"}}, where="test").to_json()
    plain = {
        "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F", "JSIMD_FORCENONE": "1",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
    }  # fmt: skip
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", DIGESTS, tree], env=os.environ | extra, check=True, capture_output=True
            ).stdout
        )
        for extra in ({}, plain)
    ]
    assert found[0] == found[1]
    assert len(set(found[0])) == 4
