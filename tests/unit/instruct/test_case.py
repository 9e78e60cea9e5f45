"""A case is the record's truth: rounded once, derived by the tables, and silent where nothing is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelead.errors import DataError
from twelvelead.instruct.case import MEASURES, Case, axis_class, leads_named, rounded, rounded_column, step
from twelvelead.instruct.sample import Item, Sample


def case(codes=("SR",), **columns):
    statements = [{"code": code, "likelihood": 50.0} for code in codes]
    return Case.from_row({"record_id": "7", "fold": 3, "statements": statements} | columns, "7-0")


def test_classes_follow_from_the_statements_in_the_order_of_the_standard():
    one = case(("PVC", "CLBBB", "INJIN", "SR", "NDT"))
    assert list(one.codes) == ["NDT", "CLBBB", "INJIN", "PVC", "SR"]
    assert one.superclasses == ("STTC", "CD", "MI")
    assert one.subclasses == ("STTC", "CLBBB", "IMI")


def test_an_unknown_code_is_refused():
    with pytest.raises(DataError, match="XYZ"):
        case(("XYZ",))


def test_what_was_not_measured_is_no_fact():
    one = case(rate_bpm=math.nan, pr_ms=None, qrs_ms=np.float32(93.2), sex=None, age=None, heart_axis=None)
    assert one.facts == {"qrs_ms": pytest.approx(93.2)}
    assert one.value("qrs_ms") == 95
    assert one.value("pr_ms") is None
    assert one.holds(Item("feature", "closed", "numeric", "pr_ms", low=200)) is None
    assert (one.axis, one.stage, one.sex, one.noise) == ("", "", "", {})


def test_limits_are_held_against_the_value_that_is_spoken_of():
    one = case(pr_ms=202.0)
    assert one.value("pr_ms") == 200
    for limits, expected in (
        ({"low": 200}, False),
        ({"high": 200}, False),
        ({"low": 120, "high": 200}, True),
    ):
        assert one.holds(Item("feature", "closed", "numeric", "pr_ms", **limits)) is expected


@given(st.sampled_from([*MEASURES, "t_mv.V4"]), st.floats(-200, 700, width=32))
def test_a_column_is_rounded_as_each_value_is(name, value):
    (column,) = rounded_column(name, np.array([value], np.float32))
    assert column == rounded(name, value)
    assert abs(column - value) <= step(name) / 2 + 1e-6
    assert rounded(name, column) == column


@pytest.mark.parametrize(
    ("sex", "qtc", "band"),
    [
        ("male", 450, "above"),
        ("female", 450, "within"),
        ("female", 460, "above"),
        ("", 400, ""),
        ("male", 390, "below"),
    ],
)
def test_the_normal_qtc_depends_on_sex(sex, qtc, band):
    assert case(qtc_ms=float(qtc), sex=sex).band("qtc_ms") == band


@pytest.mark.parametrize(
    ("degrees", "name"),
    [(-30, "normal"), (90, "normal"), (-35, "left"), (-90, "left"), (95, "right"), (-95, "extreme")],
)
def test_axis_classes(degrees, name):
    assert axis_class(degrees) == name


def test_a_measured_axis_goes_before_the_readers_and_linkstyp_is_no_deviation():
    assert case(heart_axis="LAD").axis == "normal"
    assert case(heart_axis="ALAD").axis == "left"
    assert case(heart_axis="ALAD", axis_deg=40.0).axis == "normal"


@pytest.mark.parametrize(
    ("remark", "leads"),
    [
        (" , V1,V2", ("V1", "V2")),
        (" , II,III,AVF", ("II", "III", "aVF")),
        ("I-AVR", ("I", "II", "III", "aVR")),
        ("V1-3", ("V1", "V2", "V3")),
        ("ja", ()),
    ],
)
def test_leads_of_a_noise_remark(remark, leads):
    assert leads_named(remark) == leads


def test_noise_is_unknown_where_a_remark_names_no_lead():
    one = case(static_noise="ja", baseline_drift=None, burst_noise=" , alles,  ")
    assert len(one.noise["burst_noise"]) == 12
    assert one.noise["baseline_drift"] == ()
    assert one.holds(Item("feature", "closed", "noise", "static_noise")) is None
    assert one.holds(Item("feature", "closed", "noise", "burst_noise", lead="V3")) is True


def test_sinus_rhythm_and_a_normal_ecg_are_no_findings_of_their_groups():
    one = case(("NORM", "SR"))
    assert one.of_group("rhythm") == one.of_group("diagnostic") == []
    assert one.named("group", "rhythm") == ["SR"]
    assert one.holds(Item("morphology", "closed", "group", "diagnostic")) is False


def test_a_picture_is_shown_once_and_every_turn_follows():
    sample = Sample("dialogue", "dialogue", "", "One?", "Yes", "x", turns=(("Two?", "No"),))
    said = sample.messages()
    assert [turn["role"] for turn in said] == ["user", "assistant"] * 2
    assert [part["type"] for turn in said for part in turn["content"]] == ["image"] + ["text"] * 4
