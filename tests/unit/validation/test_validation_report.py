import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.validation.coverage import coverage
from twelvelead.validation.expectations import Outcome
from twelvelead.validation.pictures import draw
from twelvelead.validation.quarantine import Doubt
from twelvelead.validation.report import HISTOGRAMS, histogram, summary, write_report


@pytest.fixture
def frame():
    numbers = range(1, 21)
    facts = {column: 100.0 for column, *_ in HISTOGRAMS}
    return pd.DataFrame(
        {
            "record_id": [f"{number:05d}" for number in numbers],
            "source": "simulated",
            "patient_id": [str(number // 2) for number in numbers],
            "fold": [1 + number % 10 for number in numbers],
            "statements": [
                [{"code": "NORM" if number % 2 else "AFIB", "likelihood": 0.0}] for number in numbers
            ],
            "status": ["ok"] * 19 + ["quarantined"],
            **facts,
        }
    )


OUTCOMES = [
    Outcome(
        "a", "records", "every <record> is fine", "quarantined", False, False, 1, "19 checked, 1 otherwise"
    ),
    Outcome("b", "usable", "nothing is odd", "reported", True, False, 0, "19 checked, 0 otherwise"),
    Outcome("c", "parts", "folds are filled", "rejected", False, False, 1, "3 checked, 1 otherwise"),
]
HELD = [Doubt("00020", ("flat_leads", "odd"), ("3 leads without signal", "<script>alert(1)</script>"))]
WARNED = [Doubt("00001", ("mains",), ("hum & noise",)), Doubt("00002", ("mains",), ("hum",))]


def content(frame):
    return summary(frame, OUTCOMES, HELD, WARNED)


def test_the_page_stands_alone_and_names_counts_rules_reasons_and_pictures(frame, tmp_path):
    picture = draw("00020", ecg_mv(), 500, HELD[0].reasons, used=False)
    write_report(tmp_path, content(frame), frame, coverage(frame[:19], 3), [picture])
    html = (tmp_path / "validation.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|@import|url\(", html)
    assert "rejected" in html
    assert "<b>20</b>records" in html
    assert "every &lt;record&gt; is fine" in html
    assert "<li>&lt;script&gt;" in html
    assert "00001: hum &amp; noise; 00002: hum" in html
    assert html.count("<svg") == len(HISTOGRAMS) + 1
    assert html.count("<path") == 12
    HTMLParser().feed(html)


def test_the_numbers_are_those_of_the_index(frame):
    found = content(frame)
    assert found["passed"] is False
    assert (found["records"], found["usable"], found["quarantined"], found["flagged"]) == (20, 19, 1, 2)
    assert found["parts"] == {"folds 1-8": 15, "fold 9": 2, "fold 10": 2}
    assert found["quarantine"][0]["record_id"] == "00020"
    assert found["warnings_by_code"] == {
        "mains": {"records": 2, "examples": ["00001: hum & noise", "00002: hum"]}
    }
    json.dumps(found, allow_nan=False)


def test_records_that_are_not_in_the_index_are_counted(frame):
    found = summary(frame, [], [*HELD, Doubt("x", ("rejected",), ("no",))], [])
    assert (found["records"], found["quarantined"], found["passed"]) == (21, 2, True)


def test_equal_data_are_equal_bytes(frame, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_report(tmp_path / name, content(frame), frame, coverage(frame[:19], 3))
    for file in ("validation.json", "validation.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_histogram_keeps_outliers_in_its_end_bars_and_leaves_out_the_unknown():
    values = pd.Series([-5.0, 50.0, 50.0, 900.0, np.nan])
    chart = histogram(values, "x", 0, 100)
    assert (chart.known, chart.median) == (4, 50.0)
    assert (chart.bars[0], max(chart.bars), chart.bars[-1]) == (0.5, 1.0, 0.5)


def test_a_column_without_values_is_an_empty_chart():
    chart = histogram(pd.Series([np.nan, np.nan]), "x", 0, 100)
    assert (chart.known, set(chart.bars)) == (0, {0.0})
