"""The command `digitise`: what `page` draws comes back as a record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from twelvelead import cli
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import ParamsError, RecordError
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

FS_HZ = 500.0


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated record."""
    path = tmp_path_factory.mktemp("record") / "source"
    write_record(path, np.asarray(simulate_record(draw_population(40, seed=1)[0]), dtype=np.int16), FS_HZ)
    return path


def _run(*arguments: object) -> dict[str, object]:
    done = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def _snr_db(source: Path, found: Path) -> float:
    """Of all samples that were read, each lead's mean apart: where 0 mV lies is not part of a trace."""
    truth, read = (read_record(path).signal_mv.astype(float) for path in (source, found))
    truth = truth[:, : read.shape[1]]
    shown = np.isfinite(read)
    error = np.where(shown, read - truth, 0.0)
    wave = np.where(shown, truth - np.mean(truth, axis=1, keepdims=True), 0.0)
    return float(10 * np.log10((wave**2).sum() / (error**2).sum()))


@pytest.mark.parametrize(("layout", "each_s"), [("3x4", 2.5), ("6x2", 5.0), ("12x1", 10.0)])
def test_a_clean_page_comes_back(record: Path, tmp_path: Path, layout: str, each_s: float) -> None:
    _run("page", record, "-o", tmp_path / "page.png", "--layout", layout)
    said = _run("digitise", tmp_path / "page.png", "-o", tmp_path / "deep" / "again")
    assert (said["layout"], said["speed_mm_s"]) == (layout, 25.0)
    assert said["gain_mm_mv"] == pytest.approx(10, rel=0.01)
    seconds = said["seconds"]
    assert isinstance(seconds, dict)
    assert list(seconds) == list(LEADS)
    assert all(read == pytest.approx(each_s, abs=0.1) for read in seconds.values())
    assert _snr_db(record, tmp_path / "deep" / "again") > 20


def test_what_the_page_does_not_show_is_missing_in_the_record(record: Path, tmp_path: Path) -> None:
    _run("page", record, "-o", tmp_path / "page.png", "--layout", "3x4")
    _run("digitise", tmp_path / "page.png", "-o", tmp_path / "again.hea", "--fs", 250)
    again = read_record(tmp_path / "again")
    assert (again.fs_hz, again.signal_mv.shape) == (250, (12, 2500))
    lead = again.signal_mv[LEADS.index("V1")]  # the third of four columns: 5 to 7.5 s
    assert np.isnan(lead[:1200]).all()
    assert np.isnan(lead[1900:]).all()
    assert np.isfinite(lead[1260:1860]).all()


def test_hints_are_believed(record: Path, tmp_path: Path) -> None:
    _run("page", record, "-o", tmp_path / "page.png", "--layout", "3x4", "--timing", "simultaneous")
    _run("digitise", tmp_path / "page.png", "-o", tmp_path / "again", "--timing", "simultaneous")
    again = read_record(tmp_path / "again").signal_mv
    assert np.isfinite(again[:, 20:1200]).all()
    assert np.isnan(again[:, 1300:]).all()


def test_a_median_page_gives_a_record_of_complexes_too(record: Path, tmp_path: Path) -> None:
    _run("page", record, "-o", tmp_path / "page.png", "--layout", "median")
    said = _run("digitise", tmp_path / "page.png", "-o", tmp_path / "again")
    assert said["median"] is True
    complexes = read_record(tmp_path / "again-median").signal_mv
    assert np.isfinite(complexes).mean() > 0.8


@pytest.mark.parametrize(
    ("arguments", "fault", "said"),
    [
        (["none.png", "-o", "again"], RecordError, "none.png: cannot be read"),
        (["bare.png", "-o", "again"], RecordError, "bare.png"),
        (["text.png", "-o", "again"], RecordError, "text.png"),
        (["bare.png", "-o", "a b"], ParamsError, "names no record"),
        (["bare.png", "-o", "again", "--layout", "9x9"], ParamsError, "3x4"),
        (["bare.png", "-o", "again", "--fs", "0"], ParamsError, "Hz"),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], fault: type[Exception], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (400, 300), "white").save(tmp_path / "bare.png")
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["digitise", *arguments])
    assert isinstance(done.exception, fault), done.output
    assert said in str(done.exception)
    assert not list(tmp_path.glob("again*"))
