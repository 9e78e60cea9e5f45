"""What the signal shows against what is written: severity, label noise, distractors."""

import numpy as np
import pytest

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate import findings
from twelvelead.simulate.cooccurrence import RHYTHM_CODES
from twelvelead.simulate.findings import INFARCTS, draw_findings, draw_likelihoods
from twelvelead.simulate.likelihood import LIKELIHOODS, SEVERITY


def many(written, n=4_000, seed=1):
    rng = np.random.default_rng(seed)
    return [{f.code: f for f in draw_findings(written, rng)} for _ in range(n)]


def test_every_statement_has_likelihoods_that_sum_to_one_and_a_severity():
    assert set(LIKELIHOODS) == set(STATEMENTS)
    for code, shares in LIKELIHOODS.items():
        assert sum(shares.values()) == pytest.approx(1, abs=0.015), code
        assert set(shares) <= set(SEVERITY)


def test_likelihoods_are_drawn_as_ptbxl_writes_them():
    rng = np.random.default_rng(3)
    drawn = [draw_likelihoods(frozenset({"IMI", "SR"}), rng) for _ in range(4_000)]
    assert {d["SR"] for d in drawn} == {0.0}
    assert np.mean([d["IMI"] == 15 for d in drawn]) == pytest.approx(0.32, abs=0.03)
    plain = [draw_likelihoods(frozenset({"NORM", "SR"}), rng)["NORM"] for _ in range(2_000)]
    otherwise = [draw_likelihoods(frozenset({"NORM", "SBRAD"}), rng)["NORM"] for _ in range(2_000)]
    assert np.mean(np.equal(plain, 100)) > 0.8 > 0.5 > np.mean(np.equal(otherwise, 100))


def test_the_less_likely_is_the_smaller():
    sizes = {}
    for likelihood in (100.0, 50.0, 15.0):
        shown = [f["ASMI"] for f in many({"ASMI": likelihood, "SR": 0.0}, 1_500) if "ASMI" in f]
        sizes[likelihood] = np.mean([finding.severity for finding in shown])
        assert any(finding.sure for finding in shown) == (likelihood == 100)
    assert sizes[100.0] > 0.95 > sizes[50.0] > 0.5 > sizes[15.0]


def test_labels_and_signals_disagree_as_the_dials_say(monkeypatch):
    monkeypatch.setattr(findings, "DISTRACTED", 0.0)
    for code in ("LVH", "STE_", "IVCD", "NST_"):
        unseen = np.mean([code not in shown for shown in many({code: 100.0, "SR": 0.0})])
        assert unseen == pytest.approx(findings.UNSEEN.get(code, findings.UNSEEN_ELSE), abs=0.03)
    shown = many({"NORM": 100.0, "SR": 0.0}, 8_000)
    unwritten = np.mean(["IMI" in found for found in shown])
    assert unwritten == pytest.approx(0.123 * 0.06 / 0.94, abs=0.004)
    assert not any("NORM" in found and "IMI" in found for found in shown)


def test_one_record_in_twelve_shows_a_trace_that_nobody_would_report():
    shown = many({"NORM": 100.0, "SR": 0.0})
    faint = [any(f.severity <= 0.25 for f in found.values()) for found in shown]
    assert 0.05 < np.mean(faint) < 0.10


def test_a_name_for_the_same_picture_is_not_drawn_twice():
    for found in many({"IMI": 100.0, "ABQRS": 0.0, "QWAVE": 0.0, "SR": 0.0}, 500):
        assert not {"ABQRS", "QWAVE"} & found.keys() or not set(INFARCTS) & found.keys()
    assert np.mean(["ABQRS" in found for found in many({"ABQRS": 0.0, "SR": 0.0}, 1_000)]) > 0.6
    both = [found for found in many({"LVH": 100.0, "VCLVH": 0.0, "SR": 0.0}, 300) if len(found) == 3]
    assert all(found["VCLVH"].severity < 0.2 for found in both if {"LVH", "VCLVH"} <= found.keys())


def test_nothing_is_asked_of_an_infarct_behind_a_rebuilt_qrs():
    for found in many({"CLBBB": 100.0, "ASMI": 100.0, "SR": 0.0}, 500):
        assert not (found.keys() >= {"CLBBB", "ASMI"} and found["ASMI"].sure)


def test_every_record_has_a_rhythm_and_infarcts_share_one_stage():
    for found in many({"IMI": 100.0, "ASMI": 50.0}, 500):
        assert found.keys() & set(RHYTHM_CODES)
        stages = {f.stage for code, f in found.items() if code in INFARCTS}
        assert len(stages) <= 1
        assert stages <= {"I", "II", "III"}
        assert all(f.stage == "" for code, f in found.items() if code not in (*INFARCTS, "ANEUR"))
