"""A file that hangs, crashes or swells takes its own process with it, and the next one is opened."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

pytest.importorskip("torch")

from tests.serving.road import page

from twelvelead.params import Synthesize
from twelvelead.serving.chamber import Chamber
from twelvelead.serving.limits import Limits
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Upload

PAGE = Synthesize().model_dump(mode="json")


@pytest.fixture(scope="module")
def chamber():
    it = Chamber(Limits(decode_s=60))
    it.start()
    yield it
    it.close()


def test_a_sheet_comes_through_the_pipe_as_it_is_in_one_process(chamber):
    from tests.serving.road import wfdb

    from twelvelead.serving.source import sheets

    header, signals = wfdb()
    for files in ([Upload("", page())], [Upload("a.hea", header), Upload("a.dat", signals)]):
        (there,) = chamber.open(files, PAGE, scaled=True)
        (here,) = sheets(files, PAGE, Limits(), scaled=True)
        for name in ("kind", "picture", "warnings", "geometry", "measurements", "sha256", "width_px", "page"):
            assert getattr(there, name) == getattr(here, name), name
        assert (there.signal_mv is None) == (here.signal_mv is None)
        if here.signal_mv is not None:
            assert (there.signal_mv == here.signal_mv).all()


def test_a_refusal_comes_through_whole(chamber):
    with pytest.raises(Refusal) as refused:
        chamber.open([Upload("", b"hello")], PAGE)
    assert (refused.value.code, refused.value.status) == ("unsupported", 415)
    assert "DICOM" in refused.value.expected


def test_a_crash_costs_one_file(chamber):
    before = chamber.started
    child = chamber._child.pid
    os.kill(child, signal.SIGSTOP)
    killer = threading.Timer(0.5, lambda: os.kill(child, signal.SIGKILL))
    killer.start()
    with pytest.raises(Refusal, match="broke the decoder"):
        chamber.open([Upload("", page())], PAGE)
    (sheet,) = chamber.open([Upload("", page())], PAGE)
    assert sheet.kind == "png"
    assert chamber.started == before + 1


@pytest.mark.parametrize("size", [1 << 10, 8 << 20], ids=["one that fits a pipe", "one that does not"])
def test_a_hanging_file_is_given_up_in_time(size):
    chamber = Chamber(Limits(decode_s=1))
    chamber.start()
    os.kill(chamber._child.pid, signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(Refusal) as refused:
        chamber.open([Upload("", bytes(size))], PAGE)
    assert refused.value.code == "timeout"
    assert chamber._child is None
    assert time.monotonic() - begun < 60
    chamber.close()


def test_the_child_knows_no_secret_and_dies_first_where_memory_ends(monkeypatch):
    from pathlib import Path

    for name in ("TWELVELEAD_TOKEN", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY", "ANYTHING"):
        monkeypatch.setenv(name, "a secret of sixteen")
    chamber = Chamber(Limits())
    chamber.start()
    process = Path(f"/proc/{chamber._child.pid}")
    told, score = (process / "environ").read_bytes(), (process / "oom_score_adj").read_text()
    chamber.close()
    assert b"a secret" not in told
    assert int(score) == 1000
