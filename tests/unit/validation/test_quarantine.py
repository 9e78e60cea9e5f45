import pyarrow.parquet as pq
import pytest

from twelvelead.params import Validate
from twelvelead.validation.quarantine import reasons, write_quarantine

GOOD = {
    "duration_s": 10.0,
    "min_mv": -1.0,
    "max_mv": 2.0,
    "nan_share": 0.0,
    "flat_leads": 0.0,
    "einthoven_mv": 0.001,
}


def test_a_good_record_has_no_reasons():
    assert reasons(GOOD, "", Validate()) == []


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("duration_s", 9.4, "9.40 s long; at least 9.5 s are needed"),
        ("max_mv", 20.5, "20.5 mV; more than 20 mV is not believable"),
        ("min_mv", -31.0, "31.0 mV; more than 20 mV is not believable"),
        ("nan_share", 0.06, "6.0% of the samples are missing; at most 5.0% may be"),
        ("flat_leads", 3.0, "3 leads without signal; at most 2 may be flat"),
        (
            "einthoven_mv",
            0.2,
            "|II - I - III| is 0.200 mV in the median; right limb leads keep it within 0.1 mV",
        ),
    ],
)
def test_each_limit_has_its_own_reason(fact, value, words):
    assert reasons({**GOOD, fact: value}, "", Validate()) == [words]


@pytest.mark.parametrize(
    ("fact", "value"),
    [("duration_s", 9.5), ("max_mv", 20.0), ("nan_share", 0.05), ("flat_leads", 2.0), ("einthoven_mv", 0.1)],
)
def test_a_value_on_the_limit_is_kept(fact, value):
    assert reasons({**GOOD, fact: value}, "", Validate()) == []


def test_all_reasons_are_given_at_once():
    assert len(reasons({**GOOD, "duration_s": 1.0, "flat_leads": 12.0}, "", Validate())) == 2


def test_an_unreadable_record_has_the_reader_s_reason_alone():
    assert reasons({}, "the header file is missing", Validate()) == ["unreadable: the header file is missing"]


def test_the_file_holds_record_ids_and_reasons(tmp_path):
    write_quarantine([("00003", ["a", "b"])], tmp_path / "quarantine.parquet")
    assert pq.read_table(tmp_path / "quarantine.parquet").to_pylist() == [
        {"record_id": "00003", "reasons": ["a", "b"]}
    ]
