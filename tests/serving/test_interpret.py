"""The command `interpret` in this process: what is odd about one file is no matter of the others."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.serving.road import Scorer, identity, page, reader, wfdb

from twelvelead.errors import ParamsError
from twelvelead.serving.familiar import ALONE
from twelvelead.stages.interpret import interpret
from twelvelead.stages.items import found_items


class Picky(Scorer):
    """Fails at one picture, and at every batch with it."""

    def __init__(self, bad: bytes) -> None:
        super().__init__()
        self.bad = bad

    def score(self, pictures: list[bytes]) -> Any:
        if self.bad in pictures:
            raise ValueError("no such layer")
        return super().score(pictures)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A reader without weights, found whatever is asked for; gives a place for its scorer."""
    place = {"scorer": Scorer()}
    monkeypatch.setattr("twelvelead.stages.readers.find_reader", lambda model: identity())
    monkeypatch.setattr(
        "twelvelead.serving.reader.load_reader",
        lambda who, threads: replace(reader(), scorer=place["scorer"]),
    )
    return place


def test_a_file_on_which_the_model_fails_stops_nobody(own: Any, tmp_path: Path) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    bad = page(seed=9)
    for name, data in (("a.png", page(seed=1)), ("b.png", bad), ("c.png", page(seed=2))):
        (inside / name).write_bytes(data)
    own["scorer"] = Picky(bad)
    assert interpret([inside], to=out) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.png.json", "c.png.json", "rejected.csv"]
    (row,) = refused_of(out)
    assert (row["file"], row["code"]) == ("b.png", "internal")


def refused_of(out: Path) -> list[dict[str, str]]:
    with (out / "rejected.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_names_that_no_text_can_hold_and_answers_that_no_disk_takes(
    own: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inside, out = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    picture = page()
    odd = [b"caf\xe9.png", b"\x1b]0;owned\x07.png", b"n" * 251 + b".png"]
    for name in (*odd, b"\x1b[2Jbad.png", b"z.png"):
        (inside / os.fsdecode(name)).write_bytes(b"hello" if b"bad" in name else picture)
    assert interpret([inside], to=out) == 2
    told = {json.loads(path.read_text())["file"] for path in out.glob("*.json")}
    assert told == {"caf\N{REPLACEMENT CHARACTER}.png", "\x1b]0;owned\x07.png", "z.png"}
    rows = {row["file"]: row for row in refused_of(out)}
    assert "cannot be written" in rows["n" * 251 + ".png"]["what"]
    assert interpret([inside / "z.png", inside / os.fsdecode(odd[1])]) == 0
    shown = capfd.readouterr()
    assert "\x1b" not in shown.err + shown.out
    assert "z.png" in shown.out


def test_a_record_without_a_second_opinion_says_so(own: Any, tmp_path: Path) -> None:
    header, signals = wfdb()
    (tmp_path / "00001_hr.hea").write_bytes(header)
    (tmp_path / "00001_hr.dat").write_bytes(signals)
    assert interpret([tmp_path / "00001_hr"], to=tmp_path / "out") == 0
    answer = json.loads((tmp_path / "out" / "00001_hr.hea.json").read_text())
    assert answer["cnn"] is None
    assert ALONE in answer["warnings"]


def test_what_belongs_together_is_one_thing_to_read(tmp_path: Path) -> None:
    header, signals = wfdb()
    (tmp_path / "sub").mkdir()
    for name, data in (("sub/00001_hr.hea", header), ("sub/00001_hr.dat", signals), ("a.png", b""),
                       (".hidden.png", b""), ("sub/other.dat", b"")):  # fmt: skip
        (tmp_path / name).write_bytes(data)
    names = [(one.name, len(one.paths)) for one in found_items([tmp_path])]
    assert names == [("a.png", 1), ("sub/00001_hr.hea", 2), ("sub/other.dat", 1)]
    (one,) = found_items([tmp_path / "sub" / "00001_hr.dat"])
    assert [path.suffix for path in one.paths] == [".hea", ".dat"]
    with pytest.raises(ParamsError, match="no such file"):
        list(found_items([tmp_path / "nothing"]))
