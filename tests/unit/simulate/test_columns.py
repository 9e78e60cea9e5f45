"""People, places, devices, axes, stages and remarks."""

from collections import Counter

import numpy as np
import pytest

from twelvelead.simulate import columns, quality
from twelvelead.simulate.columns import axis_column, draw_person, draw_visit, reader_of, stadium_columns
from twelvelead.simulate.cooccurrence import READERS
from twelvelead.simulate.noise import draw_noise

RNG = np.random.default_rng


def test_every_reader_has_every_habit():
    tables = (
        columns.DEVICES, columns.NURSES, columns.VALIDATORS, columns.SECOND_OPINION, columns.MACHINE_FIRST,
        columns.SIZE_KNOWN, columns.OPEN_YEARS, columns.AGE, columns.MALE, columns.UNKNOWN_STADIUM,
        columns.OLD_STADIUM, quality.DRIFT_MV, quality.STATIC_MV, quality.VENTRICULAR_NOTED,
        quality.ATRIAL_NOTED,
    )  # fmt: skip
    assert all(set(table) == set(READERS) for table in tables)


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_can_be_told_from_the_columns(reader):
    rng = RNG(1)
    person = draw_person(frozenset({"NORM"}), reader, rng)
    for _ in range(50):
        visit = draw_visit(person, reader, 0.0, rng)
        assert reader_of(visit["site"], visit["validated_by_human"]) == reader
        assert visit["device"] in columns.DEVICES[reader]


def test_ages_and_sexes_follow_the_statements():
    def drawn(*codes):
        people = [draw_person(frozenset(codes), "1", RNG(k)) for k in range(1_500)]
        return np.mean([p["age"] for p in people]), 1 - np.mean([p["sex"] for p in people])

    normal, fibrillating = drawn("NORM", "SR"), drawn("AFIB")
    assert fibrillating[0] - normal[0] > 10
    assert drawn("CRBBB")[1] > drawn("STD_", "EL")[1] + 0.25


def test_an_age_over_89_is_written_as_300():
    person = {"age": 88.0, "sex": 1, "height": 160.0, "weight": 60.0}
    assert draw_visit(person, "1", 0.0, RNG(1))["age"] == 88.0
    assert draw_visit(person, "1", 2.2, RNG(1))["age"] == 300.0


def test_the_axis_is_a_lagetyp_in_german_and_a_deviation_in_english():
    def drawn(reader, axis_deg):
        return Counter(axis_column(axis_deg, reader, RNG(k)) for k in range(400))

    assert drawn("machine", 50).most_common(1)[0][0] == "MID"
    assert set(drawn("2", -70)) == {"ALAD"}
    assert set(drawn("2", 130)) == {"ARAD"}
    assert set(drawn("1", 50)) == {None}
    assert drawn("1", -70)["LAD"] > 250
    assert drawn("0", 50)[None] == pytest.approx(152, abs=40)


def test_the_stage_stands_only_beside_an_infarct_and_a_fresh_one_is_known():
    assert stadium_columns("I", frozenset({"LVH"}), "1", RNG(1)) == (None, None)
    assert stadium_columns("", frozenset({"IMI"}), "1", RNG(1)) == ("unknown", None)
    assert {stadium_columns("I", frozenset({"IMI"}), "2", RNG(k))[0] for k in range(50)} == {"Stadium I"}
    two = [stadium_columns("III", frozenset({"IMI", "ASMI"}), "1", RNG(k)) for k in range(300)]
    assert 0 < sum(second is not None for _, second in two) < 120
    assert all(second in (None, first) for first, second in two)


def remarks(reader, n=1_500, **given):
    told = {"ventricular": 0, "atrial": 0, "paced": False} | given
    return [quality.quality_columns(draw_noise(RNG(k)), reader=reader, rng=RNG(k), **told) for k in range(n)]


def test_remarks_follow_the_noise_and_the_reader():
    share = {
        reader: {name: np.mean([r[name] is not None for r in remarks(reader)]) for name in remarks("1", 1)[0]}
        for reader in READERS
    }
    mean = {name: sum(share[r][name] * READERS[r] for r in READERS) for name in share["1"]}
    assert mean["baseline_drift"] == pytest.approx(0.074, abs=0.03)
    assert mean["static_noise"] == pytest.approx(0.153, abs=0.05)
    assert mean["burst_noise"] == pytest.approx(0.026, abs=0.012)
    assert mean["electrodes_problems"] < 0.005
    assert share["machine"]["static_noise"] > 5 * share["1"]["static_noise"]
    assert mean["extra_beats"] == mean["pacemaker"] == 0


def test_remarks_are_written_as_ptbxl_writes_them():
    assert quality._remark(np.ones(12), " , {},  ") == " , alles,  "
    assert quality._remark(np.arange(12) < 4, " , {},  ") == " , I-AVR,  "
    assert quality._remark(np.isin(np.arange(12), [6, 7, 11]), " , {}") == " , V1,V2,V6"
    assert quality._remark(np.zeros(12), "{}") is None


def test_ectopic_beats_and_pacemakers_are_noted():
    assert {r["extra_beats"] for r in remarks("machine", 200, ventricular=2)} >= {"VES2,alles", "VES"}
    assert "2ES" in {r["extra_beats"] for r in remarks("1", 100, ventricular=2)}
    assert "SVES" in {r["extra_beats"] for r in remarks("2", 100, atrial=1)}
    assert {r["pacemaker"] for r in remarks("0", 300, paced=True)} == {"ja, pacemaker", None}
