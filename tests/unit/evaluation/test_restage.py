"""Pages made again: one thing differs, everything else stays as it was."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twelvelead.data.wfdb import write_record
from twelvelead.evaluation.restage import CONTROLS, ELSEWHERE, ROBUSTNESS, Subject, pictures
from twelvelead.paper.look import draw_look, picture
from twelvelead.params import Synthesize

PARAMS = Synthesize()


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    rng = np.random.default_rng(3)
    steps = rng.normal(0, 30, (12, 5000)).cumsum(axis=1)
    signal = (steps - steps.mean(axis=1, keepdims=True)).clip(-1500, 1500).astype(np.int16)
    write_record(tmp_path / "00001", signal.T, 500)
    return Subject("00001", "p1", tmp_path / "00001", draw_look(PARAMS, "00001", 0, 10).state())


def grey(data: bytes | None) -> np.ndarray:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), int)


def made(subject: Subject, name: str) -> bytes | None:
    return next(pictures([subject], (CONTROLS | ROBUSTNESS)[name]))


def test_as_it_is_gives_the_very_page_of_the_run(subject: Subject) -> None:
    from twelvelead.data.wfdb import read_record

    record = read_record(subject.path)
    look = draw_look(PARAMS, "00001", 0, 10)
    assert made(subject, "as it is") == picture(record.signal_mv, record.fs_hz, look, 10).data


def test_masked_loses_letters_and_nothing_else(subject: Subject) -> None:
    page, masked = grey(made(subject, "as it is")), grey(made(subject, "masked"))
    changed = page != masked
    assert 0 < changed.mean() < 0.05
    assert (masked[changed] >= page[changed]).mean() > 0.95, "ink is taken away"


def test_permuted_puts_every_lead_elsewhere() -> None:
    assert sorted(ELSEWHERE) == list(range(12))
    assert all(place != lead for lead, place in enumerate(ELSEWHERE))
    limb = [lead < 6 for lead in range(12)]
    assert any(limb[place] != limb[lead] for lead, place in enumerate(ELSEWHERE))


def test_mirrored_twice_is_the_page_itself(subject: Subject, tmp_path: Path) -> None:
    from twelvelead.data.wfdb import read_record

    mirrored = CONTROLS["mirrored"]
    record = read_record(subject.path)
    look = draw_look(PARAMS, "00001", 0, 10)
    assert made(subject, "mirrored") != made(subject, "as it is")
    back = mirrored.draw(record.signal_mv[:, ::-1].copy(), record.fs_hz, look)
    assert back == made(subject, "as it is")


@pytest.mark.parametrize("name", sorted({*CONTROLS, *ROBUSTNESS} - {"as it is"}))
def test_every_change_changes_the_page_and_gives_the_same_bytes_twice(subject: Subject, name: str) -> None:
    once = made(subject, name)
    assert once != made(subject, "as it is")
    assert once == made(subject, name)
    if once is not None:
        assert grey(once).shape == grey(made(subject, "as it is")).shape or name in ("photo", "harsh", "scan")


def test_a_layout_that_does_not_fit_gives_no_page(subject: Subject) -> None:
    from dataclasses import replace

    low = draw_look(Synthesize(width_px=1000, height_px=130, layout="3x4"), "00001", 0, 10)
    assert made(replace(subject, look=low.state()), "6x2") is None


def test_a_photographed_page_loses_its_letters_under_the_same_light(subject: Subject) -> None:
    from dataclasses import replace

    photo = draw_look(Synthesize(evaluate_degradation="photo"), "00001", 0, 10)
    assert photo.degradation is not None
    shot = replace(subject, look=photo.state())
    page, masked = made(shot, "as it is"), made(shot, "masked")

    assert page != masked
    assert page is not None
    assert masked is not None
    assert page[:2] == masked[:2] == b"\xff\xd8", "both are photographs"
    assert np.abs(grey(page) - grey(masked)).mean() < 4
