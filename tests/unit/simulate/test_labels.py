"""Label sets: PTB-XL's prevalences, companions, exclusions and dialects."""

import numpy as np
import pytest

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.cooccurrence import (
    EXCLUDED,
    HABITS,
    PTBXL_RECORDS,
    READERS,
    RHYTHM_CODES,
    allowed,
)
from twelvelead.simulate.labels import COLUMN, draw_again, draw_sets, joined

RECORDS = 20_000

# P(j | i), counted on the 20,821 rows of the development set: the largest pairs of the larger statements.
REAL_PAIRS = {
    ("ISC_", "LVH"): 0.92, ("LVH", "ISC_"): 0.54, ("VCLVH", "LVH"): 0.75, ("LVH", "VCLVH"): 0.31,
    ("IMI", "ABQRS"): 0.55, ("ASMI", "ABQRS"): 0.49, ("ABQRS", "IMI"): 0.44, ("ASMI", "IMI"): 0.25,
    ("LAFB", "ASMI"): 0.32, ("CRBBB", "LAFB"): 0.29, ("NT_", "NDT"): 0.50, ("LOWT", "STD_"): 0.58,
    ("DIG", "AFIB"): 0.63, ("LPR", "1AVB"): 0.36, ("QWAVE", "IMI"): 0.49, ("ANEUR", "ASMI"): 0.85,
    ("ILMI", "ABQRS"): 0.60, ("NORM", "SR"): 0.86, ("PVC", "SR"): 0.55, ("SARRH", "NORM"): 0.55,
    ("RVH", "IRBBB"): 0.46, ("LPFB", "CRBBB"): 0.48, ("INVT", "STD_"): 0.53, ("ALMI", "ASMI"): 0.59,
    ("ABQRS", "ASMI"): 0.35, ("AFIB", "ASMI"): 0.25, ("NST_", "AFIB"): 0.29, ("PAC", "NORM"): 0.32,
}  # fmt: skip


@pytest.fixture(scope="module")
def natural():
    first = draw_sets(17_300, np.random.default_rng(1))
    again = np.arange(0, 17_300, 17_300 // 2_700)[:2_700]
    return joined(first, draw_again(first.take(again), np.random.default_rng(2)))


def has(sets, code):
    return sets.has[:, COLUMN[code]]


def test_every_prevalence_is_that_of_ptbxl(natural):
    for code, statement in STATEMENTS.items():
        expected = statement.n / PTBXL_RECORDS * RECORDS
        assert has(natural, code).sum() == pytest.approx(expected, rel=0.06, abs=8), code


def test_the_number_of_statements_on_a_record_is_that_of_ptbxl(natural):
    size = np.bincount(natural.labels.sum(axis=1), minlength=14) / RECORDS
    real = np.array([0, 688, 10638, 4922, 2503, 1197, 563, 244]) / 20_821
    assert size[:8] == pytest.approx(real, abs=0.025)
    assert size[0] == 0
    assert natural.labels.sum() / RECORDS == pytest.approx(2.78, abs=0.06)
    plain = (natural.labels.sum(axis=1) == 2) & has(natural, "NORM") & has(natural, "SR")
    assert plain.mean() == pytest.approx(0.31, abs=0.02)


def test_companions_are_those_of_ptbxl(natural):
    for (code, other), real in REAL_PAIRS.items():
        found = has(natural, other)[has(natural, code)].mean()
        assert found == pytest.approx(real, abs=0.06), (code, other)


def test_no_record_holds_an_excluded_pair(natural):
    for pair in EXCLUDED:
        a, b = sorted(pair)
        assert not (has(natural, a) & has(natural, b)).any(), (a, b)


@pytest.mark.parametrize(
    ("code", "others"),
    [
        ("NORM", "ASMI IMI ILMI AMI ALMI LMI ANEUR INJAS INJAL ISC_ ISCAL LVH RVH NDT"),
        ("NORM", "CLBBB CRBBB DIG EL LNGQT"),
        ("CLBBB", "LAFB NDT CRBBB IRBBB"),
        ("NDT", "ISC_ ISCAL CRBBB"),
        ("SVARR", "SR"),
        ("AFIB", "SR SARRH SBRAD STACH"),
        ("PACE", "SR"),
        ("LVOLT", "HVOLT VCLVH"),
        ("SBRAD", "STACH"),
        ("WPW", "CLBBB CRBBB"),
        ("ABQRS", "STD_ LOWT INVT NT_ QWAVE LPR"),
        ("IMI", "ILMI IPMI IPLMI"),
    ],
)  # fmt: skip
def test_the_hard_exclusions_are_known(code, others):
    for other in others.split():
        assert frozenset((code, other)) in EXCLUDED
        assert not allowed(frozenset({code, other, "PVC"}))


def test_rhythms_stand_alone_but_for_the_pairs_of_ptbxl(natural):
    rhythms = natural.has[:, [COLUMN[code] for code in RHYTHM_CODES]].sum(axis=1)
    assert rhythms.max() == 2
    assert (rhythms == 1).mean() == pytest.approx(0.955, abs=0.015)
    assert (rhythms == 0).mean() == pytest.approx(0.038, abs=0.012)
    pairs = {tuple(np.flatnonzero(row)) for row in natural.has[rhythms == 2][:, : len(STATEMENTS)]}
    rare = {"BIGU", "TRIGU", "AFLT", "PSVT"}
    codes = list(STATEMENTS)
    assert all(rare & {codes[column] for column in pair} for pair in pairs)
    paced = has(natural, "PACE")
    assert (natural.labels[paced].sum(axis=1) == 1).mean() > 0.8
    for code in ("AFLT", "SVTAC", "PSVT", "2AVB"):
        few = natural.labels[has(natural, code)]
        stated = [column for column, other in enumerate(STATEMENTS) if other not in (*RHYTHM_CODES, code)]
        assert few[:, stated].sum(axis=1).max() <= 2


def test_each_reader_has_a_dialect(natural):
    reader = np.array(list(READERS))[natural.reader]
    for code in ["STD_", "LOWT", "INVT", "NT_", "QWAVE", "LPR", "PAC", "LVOLT", "HVOLT", "DIG", "EL"]:
        assert not has(natural, code)[reader == "machine"].any(), code
    for code in ["STD_", "LOWT", "INVT", "NT_", "LPR", "PAC", "HVOLT", "EL"]:
        assert has(natural, code)[reader == "1"].sum() > 0.78 * has(natural, code).sum(), code
    for code in ["ABQRS", "SVARR", "STE_", "TAB_"]:
        assert not has(natural, code)[reader == "1"].any(), code
    for code in STATEMENTS:
        if code in HABITS and has(natural, code).sum() > 300:
            found = [(has(natural, code) & (natural.reader == k)).sum() for k in range(len(READERS))]
            assert np.array(found) / sum(found) == pytest.approx(HABITS[code].readers, abs=0.05), code


def test_a_later_record_keeps_what_lasts():
    first = draw_sets(3_000, np.random.default_rng(4))
    later = draw_again(first, np.random.default_rng(5))
    assert (first.reader == later.reader).all()
    for code in ("NORM", "IMI", "CLBBB", "AFIB", "PACE"):
        assert (has(first, code) == has(later, code)).all()
    for code in ("PVC", "STD_", "SBRAD"):
        assert 0 < (has(first, code) & has(later, code)).sum() < 0.5 * has(first, code).sum()
