import numpy as np
import pytest

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct import measured, perception, report, statements
from twelvelead.instruct.perception import DEFLECTIONS, Seen

FACTS = {
    "rate_bpm": 72.0,
    "pr_ms": 210.0,
    "qrs_ms": 96.0,
    "qtc_ms": 415.0,
    "axis_deg": -40.0,
    "irregular": False,
    "p_present": True,
    "ectopic_beats": 2,
}


def rng():
    return np.random.default_rng(5)


def test_a_statement_is_yes_exactly_when_its_key_is_present_whatever_its_likelihood():
    made = {
        sample.code: sample for sample in statements.samples({"IMI": 15.0, "SR": 0.0}, ["IMI", "SR", "LVH"])
    }
    assert {code: sample.answer for code, sample in made.items()} == {"IMI": "Yes", "SR": "Yes", "LVH": "No"}


def test_every_statement_has_its_own_question():
    questions = {statements.question(code) for code in STATEMENTS}
    assert len(questions) == 71


def test_yes_no_answers_about_values_agree_with_the_values():
    for sample in measured.samples(FACTS, rng(), 40):
        if ">" in sample.answer_source:
            name, limit = sample.answer_source.split(">")
            assert sample.answer == ("Yes" if FACTS[name] > float(limit) else "No")
            assert limit in sample.question


def test_open_answers_are_the_measured_value_with_its_unit():
    found = {
        sample.answer_source: sample.answer
        for sample in measured.samples(FACTS, rng(), 40)
        if sample.format == "open"
    }
    assert found == {
        "rate_bpm": "72 bpm", "pr_ms": "210 ms", "qrs_ms": "95 ms", "qtc_ms": "420 ms",
        "axis_deg": "-40 degrees", "ectopic_beats": "2",
    }  # fmt: skip


def test_what_was_not_measured_is_not_asked():
    facts = FACTS | {"pr_ms": float("nan"), "axis_deg": None}
    sources = " ".join(sample.answer_source for sample in measured.samples(facts, rng(), 40))
    assert "pr_ms" not in sources
    assert "axis_deg" not in sources


def test_a_report_words_likelihood_and_leaves_out_what_is_unknown():
    text = report.sample({"IMI": 15.0, "LVH": 100.0, "SR": 0.0}, FACTS | {"qtc_ms": float("nan")}).answer
    assert text == (
        "Sinus rhythm, 72 bpm. PR 210 ms, QRS 96 ms, axis -40 degrees. "
        "Impression: cannot exclude inferior myocardial infarction, left ventricular hypertrophy."
    )


def seen():
    leads = {wave: np.zeros(12, np.float32) for wave in DEFLECTIONS}
    leads["t_mv"] = np.where(np.arange(12) == LEADS.index("V6"), -0.4, 0.3).astype(np.float32)
    leads["r_mv"] = np.full(12, 1.0, np.float32)
    return Seen(FACTS, leads)


def test_perception_questions_are_true_of_the_page():
    for sample in perception.samples(seen(), rng(), 3000):
        if "T wave" in sample.question and "inverted" in sample.question:
            assert sample.answer == ("Yes" if "V6" in sample.question else "No")
        if "taller than" in sample.question:
            assert sample.answer == ("Yes" if float(sample.question.split()[-2]) < 1.0 else "No")
        if sample.question.startswith("Which lead"):
            assert LEADS[int(sample.question.split()[-1].rstrip("?")) - 1] == sample.answer


def test_pretraining_never_asks_for_a_diagnosis():
    phrases = [statement.phrase.lower() for statement in STATEMENTS.values()]
    for sample in perception.samples(seen(), rng(), 3000):
        asked = sample.question.lower()
        assert not any(
            phrase in asked for phrase in phrases if "t wave" not in phrase and "q wave" not in phrase
        )
        assert not sample.code
        assert "show" not in asked


@pytest.mark.parametrize("count", [0, 1, 7])
def test_as_many_questions_as_asked_for(count):
    assert len(list(perception.samples(seen(), rng(), count))) == count
    assert len(list(measured.samples(FACTS, rng(), count))) == count


def test_a_missing_value_of_any_float_type_is_never_asked_about():
    facts = {"rate_bpm": np.float32(71), "pr_ms": np.float32("nan"), "qrs_ms": float("nan"), "qtc_ms": None}
    asked = list(measured.samples(facts, np.random.default_rng(0), 40))
    assert {sample.answer_source.partition(">")[0] for sample in asked} == {"rate_bpm"}
