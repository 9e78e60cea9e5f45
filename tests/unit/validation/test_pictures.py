import re

import numpy as np
import pandas as pd
import pytest
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.data.wfdb import write_record
from twelvelead.validation.pictures import HEIGHT, ROW_PX, WIDTH, draw, worst_records
from twelvelead.validation.quarantine import Doubt


def points(path):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) (-?\d+)", path.replace("L", " L"))]


def test_twelve_leads_are_drawn_inside_the_picture_in_two_columns():
    picture = draw("7", ecg_mv(), 500, ("why",), used=True)
    assert [lead.name for lead in picture.leads][5:8] == ["aVF", "V1", "V2"]
    for number, lead in enumerate(picture.leads):
        x, y = np.array(points(lead.path)).T
        assert (number < 6) == (x.max() < WIDTH / 2)
        assert x.max() <= WIDTH
        assert -ROW_PX <= y.min() <= y.max() <= HEIGHT + ROW_PX
    assert picture.note == "10.0 s, row height 1.0 mV"


def test_a_single_spike_is_kept():
    signal_mv = np.zeros((12, 5000), dtype=np.float32)
    signal_mv[0, 2501] = 0.5
    y = np.array(points(draw("7", signal_mv, 500, (), used=True).leads[0].path))[:, 1]
    assert y.min() == ROW_PX / 2 - 0.5 * ROW_PX


def test_missing_samples_are_a_break_and_a_missing_lead_is_nothing():
    signal_mv = ecg_mv()
    signal_mv[0, 2000:3000] = np.nan
    signal_mv[1] = np.nan
    leads = draw("7", signal_mv, 500, (), used=False).leads
    assert leads[0].path.count("M") == 2
    assert leads[1].path == ""


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        write_record(tmp_path / str(number), np.rint(ecg_mv(seed=number) * 1000).astype(np.int16).T, 500)
    (tmp_path / "5.dat").write_bytes(b"")
    ids = [str(number) for number in range(6)]
    return tmp_path, pd.DataFrame({"record_id": ids, "path": ids})


def doubt(number, *codes):
    return number, Doubt(str(number), codes, tuple(f"{code}!" for code in codes))


def test_each_kind_of_fault_is_shown_before_a_second_of_its_kind(folder):
    held = dict([doubt(0, "short"), doubt(1, "short"), doubt(2, "gaps"), doubt(5, "unreadable")])
    warned = dict([doubt(3, "mains", "wander"), doubt(4, "mains")])
    shown = worst_records(*folder, held, warned, 10)
    assert [(picture.record_id, picture.used) for picture in shown] == [
        ("0", False), ("2", False), ("1", False), ("3", True), ("4", True),
    ]  # fmt: skip
    assert shown[3].reasons == ("mains!", "wander!")
    assert [picture.record_id for picture in worst_records(*folder, held, warned, 2)] == ["0", "2"]
    assert worst_records(*folder, {}, {}, 2) == []
