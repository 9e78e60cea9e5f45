"""Usable records become pages, whatever the number of workers and however often a run is killed."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__
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
MEASURED = """
import json, sys
from pathlib import Path
from twelvelead.params import from_json
from twelvelead.stages import synthesize as stage

stage.PAGES_PER_CHUNK = 16
draw, held = stage._draw_chunk, []
def measured(chunk):
    made = draw(chunk)
    held.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)
    return made

stage._draw_chunk = measured
inputs = {name: Path(path) for name, path in json.loads(sys.argv[1]).items()}
to = Path(sys.argv[2])
to.mkdir()
stage.synthesize(inputs, to, from_json(sys.argv[3]).synthesize, to)
print(json.dumps(held))
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


def test_a_manifest_written_in_parts_is_the_one_written_at_once(tmp_path, monkeypatch, made):
    at, _ = made
    one = pq.read_table(at / "pages" / "manifest.parquet", schema=stage.MANIFEST_ROW)
    for rows in (3, 11, 1024):  # with a rest, without, and in one go
        monkeypatch.setattr(stage, "ROWS_PER_GROUP", rows)
        with stage._Manifest(tmp_path / "parts") as manifest:
            for row in one.to_pylist():
                manifest.add(row)
        write_parquet(one, tmp_path / "whole", rows)
        assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_long_manifest_takes_the_memory_of_a_row_group(tmp_path, made):
    at, _ = made
    (row, *_) = pq.read_table(at / "pages" / "manifest.parquet", schema=stage.MANIFEST_ROW).to_pylist()
    held = []
    tracemalloc.start()
    with stage._Manifest(tmp_path / "long") as manifest:
        for group in range(4):
            for number in range(stage.ROWS_PER_GROUP):
                manifest.add(row | {"page_id": f"{group}-{number}", "look": f"{row['look']} {number}"})
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[-1] - held[0] < 100_000  # a row is more than 1 kB


def test_drawing_more_pages_takes_no_more_memory(tmp_path):
    write_inputs(tmp_path)
    inputs = json.dumps({name: str(tmp_path / name) for name in ("validation", "records")})
    section = VARIED | {"variants": 80, "width_px": 560, "height_px": 336}
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, inputs, str(tmp_path / "pages"),
         parse({"synthesize": section}, where="test").to_json()],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    held_mb = json.loads(told)
    half = len(held_mb) // 2
    assert half * 16 > 250
    assert max(held_mb[half:]) - max(held_mb[:half]) < 12  # 250 pages of 560 x 336 px are 47 MB and more


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
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from twelvelead.paper.look import draw_look, picture
from twelvelead.params import from_json
from numba.core.registry import cpu_target

t = np.arange(5000) / 500
signal = np.outer(np.linspace(-1, 1, 12), np.exp(-(((t % 0.8) - 0.4) / 0.02) ** 2)).astype(np.float32)
pages = {}
for tree in sys.argv[1:]:
    params = from_json(tree).synthesize
    for record, variant, fold in (("a", 0, 1), ("a", 1, 1), ("b", 0, 3), ("c", 0, 10)):
        look = draw_look(params, record, variant, fold)
        made = picture(signal, 500, look, fold, sidecar=True)
        place = f"{params.degradation} {record} {variant}"
        pages[place] = hashlib.sha256(made.data).hexdigest(), hashlib.sha256(made.truth).hexdigest()
features = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
processor = cpu_target.target_context.codegen().magic_tuple()[1]
print(json.dumps({"pages": pages, "features": features, "processor": processor}))
"""


def test_the_same_seed_record_and_variant_give_the_same_picture_on_another_instruction_set(tmp_path):
    trees = [
        parse({"synthesize": VARIED | {"degradation": preset}}, where="test").to_json()
        for preset in ("clean", "photo", "harsh")
    ]
    plain = {
        "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__), "JSIMD_FORCENONE": "1",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
    }  # fmt: skip
    native, generic = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", DIGESTS, *trees], env=os.environ | extra, check=True,
                capture_output=True,
            ).stdout
        )
        for extra in ({}, plain)
    )  # fmt: skip
    # A name that NumPy does not know is ignored with no more than a warning: both builds would be one.
    assert (generic["features"], generic["processor"]) == ([], "generic")
    if not native["features"]:
        pytest.skip("this processor has no more than the instructions of the other build")
    assert native["processor"] != "generic"
    assert native["pages"] == generic["pages"]
    assert len({image for image, _ in native["pages"].values()}) == 10  # "c" is evaluated: always one page
