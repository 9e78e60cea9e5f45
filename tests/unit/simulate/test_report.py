"""Reports: every statement in both languages, hedged by likelihood."""

import numpy as np
import pytest

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.phrases import MACHINE_MARK, PHRASES, WALLS
from twelvelead.simulate.report import correction, hedge, write

HEDGES = {
    False: {80.0: "wahrscheinlich", 50.0: "mÖglich", 35.0: "mÖglich", 15.0: "nicht auszuschliessen"},
    True: {80.0: "probable", 50.0: "possible", 35.0: "possible", 15.0: "cannot be excluded"},
}
WORDS_OF_DOUBT = ("mÖglich", "nicht auszuschliessen", "probable", "possible", "cannot be excluded")


def say(codes, *, english, machine=False, axis=None, stadium=None, seed=1):
    rng = np.random.default_rng(seed)
    return write(codes, axis, stadium, english=english, machine=machine, rng=rng)


@pytest.mark.parametrize("english", [False, True])
@pytest.mark.parametrize("code", STATEMENTS)
def test_each_statement_is_said_with_the_doubt_of_its_likelihood(code, english):
    said = {value: say({code: value}, english=english) for value in (100.0, 80.0, 50.0, 15.0)}
    if code == "NORM":
        normal = (
            ("normal ecg.", "otherwise normal ecg.") if english else ("normales ekg", "sonst normales ekg")
        )
        assert (said[100.0], said[80.0]) == normal
        assert len(set(said.values())) == 3
        return
    assert len(set(said.values())) == 4
    for likelihood, word in HEDGES[english].items():
        assert word in say({code: likelihood}, english=english)
    # "mÖglicherweise wpw" is how a machine says WPW when it is sure.
    assert code == "WPW" or not any(word in said[100.0] for word in WORDS_OF_DOUBT)
    assert say({code: 0.0}, english=english) == said[100.0]


@pytest.mark.parametrize("english", [False, True])
def test_no_two_statements_share_a_phrase(english):
    phrases = [v for phrase in PHRASES.values() for v in phrase.variants(english=english)]
    assert len(set(phrases)) == len(phrases)
    assert set(PHRASES) | set(WALLS) | {"NORM"} == set(STATEMENTS)


def test_a_german_report_reads_like_one_of_ptbxl():
    codes = {"IMI": 100.0, "ABQRS": 0.0, "SR": 0.0}
    text = say(codes, english=False, machine=True, axis="LAD")
    assert (
        text == "sinusrhythmus linkstyp qrs(t) abnorm    inferiorer infarkt     alter unbest." + MACHINE_MARK
    )
    assert say({"NORM": 80.0, "SARRH": 0.0}, english=False, axis="MID") == (
        "sinus arrhythmie lagetyp normal sonst normales ekg"
    )
    assert "mÖgl. akut" in say(codes, english=False, stadium="Stadium I")
    assert "wahrscheinlich alt" in say(codes, english=False, stadium="Stadium III")


def test_an_english_report_reads_like_one_of_ptbxl():
    assert say({"NORM": 100.0, "SR": 0.0}, english=True, axis="MID") == "sinus rhythm. normal ecg."
    text = say({"LAFB": 100.0, "SR": 0.0}, english=True, axis="LAD")
    assert text == "sinus rhythm. left axis deviation. left anterior fascicular block."
    assert "acute inferior" in say({"IMI": 100.0}, english=True, stadium="Stadium I")


def test_lead_lists_vary():
    texts = {say({"STD_": 0.0}, english=True, seed=seed) for seed in range(30)}
    assert len(texts) > 5
    assert all("{" not in text for text in texts)


def test_a_hedge_is_nothing_for_a_sure_or_unstated_likelihood():
    assert (
        hedge("a-v block i", 0.0, english=False)
        == hedge("a-v block i", 100.0, english=False)
        == "a-v block i"
    )


def test_a_correction_names_codes_and_likelihoods():
    text = correction({"NORM": 80.0, "IRBBB": 100.0, "SR": 0.0}, np.random.default_rng(1))
    assert text.startswith(" Edit: NORM 80, IRBBB, (")
    assert text.endswith(")")
