import pytest

from twelvelead.data.snomed import ACRONYMS, SNOMED, scp_of, sort_codes
from twelvelead.ecg.statement import STATEMENTS


def test_every_mapping_ends_at_one_of_the_71():
    assert len(STATEMENTS) == 71
    assert set(SNOMED.values()) | set(ACRONYMS.values()) <= set(STATEMENTS)
    assert all(code.isdecimal() for code in SNOMED)
    assert len(SNOMED) == 67


@pytest.mark.parametrize(
    ("code", "scp"),
    [
        ("164889003", "AFIB"), ("270492004", "1AVB"), ("59118001", "CRBBB"), ("713426002", "IRBBB"),
        ("164873001", "LVH"), ("426783006", "SR"), ("17338001", "PVC"), ("111975006", "LNGQT"),
        ("I-AVB", "1AVB"), ("Normal", "NORM"), ("AQW", "QWAVE"), ("LAO/LAE", "LAO/LAE"), ("PRC(S)", "PRC(S)"),
    ],
)  # fmt: skip
def test_codes_that_say_the_same_are_mapped(code, scp):
    assert scp_of(code) == scp


@pytest.mark.parametrize(
    "code",
    [
        "164865005",
        "233917008",
        "428750005",
        "39732003",
        "6374002",
        "195080001",
        "266249003",
        "164861001",
        "AF",
    ],
)
def test_codes_without_a_site_a_degree_or_a_counterpart_are_kept_as_they_are(code):
    assert scp_of(code) is None
    assert sort_codes([code]) == ({}, [code])


def test_codes_are_sorted_once_each_with_ptbxls_likelihoods():
    stated, other = sort_codes(["426783006", "164909002", "733534002", "428750005", "428750005", "None"])
    assert stated == {"SR": 0.0, "CLBBB": 100.0}
    assert other == ["428750005"]
