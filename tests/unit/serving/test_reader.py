"""A reader is the adapter that was judged, with its statements, calibration, thresholds and verdict."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.serving.road import CODES, REASONS, page, wfdb

from twelvelead.data.digest import model_sha256
from twelvelead.errors import SetupError
from twelvelead.serving.export import export_reader
from twelvelead.serving.identity import read_identity
from twelvelead.serving.limits import Limits
from twelvelead.serving.reader import load_reader
from twelvelead.serving.sheet import Upload
from twelvelead.serving.source import sheets


def test_a_road_an_adapter_and_a_packed_reader_tell_the_same(road: Path, tmp_path: Path) -> None:
    export_reader(road, tmp_path / "packed")
    road_says, adapter_says, packed_says = (
        read_identity(folder) for folder in (road, road / "adapter", tmp_path / "packed")
    )
    assert road_says.codes == list(CODES)
    assert (road_says.decision, road_says.reasons) == ("rejected", tuple(REASONS))
    assert road_says.statements[2].threshold is None
    assert road_says.page["seed"] == 4
    assert road_says.lineage == {"dvc_md5.records": "1" * 32, "seed.synthesize": "4"}
    for other in (adapter_says, packed_says):
        here = {"adapter": other.adapter, "cnn_folder": other.cnn_folder, "name": other.name}
        assert replace(road_says, **here) == other
    assert packed_says.cnn_folder == tmp_path / "packed" / "cnn"


def test_a_packed_reader_answers_to_the_bit_as_the_run(road: Path, tmp_path: Path) -> None:
    export_reader(road, tmp_path / "packed")
    pictures = [page(seed=1), page(seed=2)]
    one, other = (load_reader(folder, threads=1) for folder in (road, tmp_path / "packed"))
    np.testing.assert_array_equal(one.read(pictures), other.read(pictures))
    signal = np.random.default_rng(1).normal(size=(12, 5000)).astype(np.float32)
    np.testing.assert_array_equal(one.read_signal(signal, 500.0), other.read_signal(signal, 500.0))


def test_probabilities_are_the_scorers_through_the_calibration(road: Path) -> None:
    from twelvelead.evaluation.score import score_images

    reader = load_reader(road, threads=1)
    pictures = [page(seed=seed) for seed in range(3)]
    raw = score_images(reader.identity.base_path, road / "adapter", pictures, CODES, 1)
    by_hand = 1 / (1 + np.exp(-(1.5 * np.log(raw / (1 - raw)) - 0.5)))
    np.testing.assert_allclose(reader.read(pictures), by_hand, atol=1e-5)
    assert reader.read([]).shape == (0, 3)


def test_a_record_is_drawn_as_the_evaluation_drew_it(road: Path) -> None:
    from archive import signal_uv

    from twelvelead.paper.look import draw_look, picture
    from twelvelead.params import Synthesize

    header, signals = wfdb(5)
    page_params = read_identity(road).page
    (sheet,) = sheets([Upload("a.hea", header), Upload("b", signals)], page_params, Limits())
    look = draw_look(Synthesize(seed=4), "whoever", 0, 10)
    assert sheet.picture == picture(signal_uv(5).T / np.float32(1000), 500.0, look, 10).data
    assert sheet.geometry.lead_boxes[0].lead == "I"
    assert 60 < sheet.measurements["rate_bpm"] < 90


def test_another_adapter_than_the_judged_one_is_refused(road: Path, tmp_path: Path) -> None:
    export_reader(road, tmp_path / "packed")
    for folder in (road / "adapter", tmp_path / "packed" / "adapter"):
        file = folder / "modules.json"
        file.write_text(file.read_text() + " ")
    for folder in (road, tmp_path / "packed"):
        with pytest.raises(SetupError, match="was judged"):
            read_identity(folder)


def test_another_cnn_than_the_one_it_was_judged_against_is_refused(road: Path) -> None:
    card = road / "evaluation" / "scorecard.json"
    tree = json.loads(card.read_text())
    tree["evidence"]["baseline"] = model_sha256(road / "baseline")
    card.write_text(json.dumps(tree))
    assert read_identity(road).lineage["cnn_sha256"] == tree["evidence"]["baseline"]
    config = road / "baseline" / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(SetupError, match="not the one it was judged against"):
        read_identity(road)


def test_what_is_missing_is_named(road: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="holds no reader"):
        read_identity(tmp_path)
    (road / "verdict.json").unlink()
    assert read_identity(road).decision == "unjudged"
    (road / "evaluation" / "scorecard.json").unlink()
    with pytest.raises(SetupError, match="no scorecard"):
        read_identity(road)


def test_packing_replaces_a_reader_and_nothing_else(road: Path, tmp_path: Path) -> None:
    to = tmp_path / "packed"
    export_reader(road, to)
    assert export_reader(road, to, cnn=False)["cnn"] is False
    assert not (to / "cnn").exists()
    assert json.loads((to / "reader.json").read_text())["cnn"] is None
    (tmp_path / "else").mkdir()
    with pytest.raises(SetupError, match="holds no reader"):
        export_reader(road, tmp_path / "else")


def test_the_base_is_found_above_the_reader_or_where_the_environment_says(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "home" / "models" / "reader"
    export_reader(road, to, base="models/base")
    with pytest.raises(SetupError, match="not here"):
        _ = read_identity(to).base_path
    (tmp_path / "home" / "models" / "base").mkdir()
    assert Path(read_identity(to).base_path) == tmp_path / "home" / "models" / "base"
    monkeypatch.setenv("TWELVELEAD_BASE", str(tmp_path))
    assert read_identity(to).base_path == str(tmp_path)
