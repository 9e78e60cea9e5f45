import csv
from pathlib import Path

import pytest

from twelvelead.ecg.statement import STATEMENTS, statement
from twelvelead.errors import DataError


def test_the_table_has_the_published_counts_of_kinds_and_classes() -> None:
    rows = STATEMENTS.values()
    assert len(STATEMENTS) == 71
    assert sum(row.diagnostic for row in rows) == 44
    assert sum(row.form for row in rows) == 19
    assert sum(row.rhythm for row in rows) == 12
    assert [row.code for row in rows if row.diagnostic and row.form] == ["NDT", "NST_", "DIG", "LNGQT"]
    assert {row.superclass for row in rows} == {None, "NORM", "MI", "STTC", "CD", "HYP"}
    assert len({row.subclass for row in rows} - {None}) == 23


def test_only_diagnostic_statements_stand_in_the_tree() -> None:
    for row in STATEMENTS.values():
        assert row.diagnostic == (row.superclass is not None) == (row.subclass is not None)


def test_phrases_are_distinct_and_free_of_codes() -> None:
    phrases = [row.phrase for row in STATEMENTS.values()]
    assert len(set(phrases)) == 71
    assert not any("_" in phrase or "(" in phrase or "|" in phrase for phrase in phrases)
    assert statement("LAFB").phrase == "left anterior fascicular block"


def test_counts_follow_the_published_prevalence() -> None:
    assert (statement("SR").n, statement("NORM").n, statement("2AVB").n) == (16782, 9528, 14)


@pytest.mark.parametrize(("wrong", "near"), [("AFIBB", "AFIB"), ("lafb", "LAFB"), ("LAO", "LAO/LAE")])
def test_an_unknown_code_is_refused_with_the_nearest_one(wrong: str, near: str) -> None:
    with pytest.raises(DataError, match=f"Did you mean .*{near}"):
        statement(wrong)


@pytest.mark.shared
def test_the_table_repeats_scp_statements_csv_in_its_order(shared: Path) -> None:
    with (shared / "data/ptb-xl/scp_statements.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row[""] for row in rows] == list(STATEMENTS)
    for row in rows:
        ours = STATEMENTS[row[""]]
        assert ours.description == row["description"]
        assert (ours.diagnostic, ours.form, ours.rhythm) == tuple(
            row[kind] == "1.0" for kind in ("diagnostic", "form", "rhythm")
        )
        assert ((ours.superclass or ""), (ours.subclass or "")) == (
            row["diagnostic_class"],
            row["diagnostic_subclass"],
        )
