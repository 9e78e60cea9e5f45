import math

import pytest

from twelvelead.data.comments import read_comments, split_codes


def test_the_challenges_comments():
    note = read_comments(["Age: 68", "Sex: Female", "Dx: 426177001,428750005", "Rx: Unknown", "Hx: Unknown"])
    assert (note.age, note.sex, note.codes, note.report) == (68, "female", ("426177001", "428750005"), "")


def test_ludbs_comments_stay_sentences():
    lines = [
        "<age>: 51",
        "<sex>: F",
        "<diagnoses>:",
        "Rhythm: Sinus bradycardia.",
        "Left ventricular hypertrophy.",
    ]
    note = read_comments(lines)
    assert (note.age, note.sex, note.codes) == (51, "female", ())
    assert note.report == "Rhythm: Sinus bradycardia.\nLeft ventricular hypertrophy."


def test_acronyms_are_codes():
    assert read_comments(["Rhythm: ST", "Beat: AQW RBBB"]).codes == ("ST", "AQW", "RBBB")
    assert read_comments(["Labels: PAC"]).codes == ("PAC",)


@pytest.mark.parametrize(
    ("text", "age"), [("NaN", None), ("Unknown", None), ("93", 90), ("0", 0), ("-1", None)]
)
def test_an_age_is_years_or_unknown(text, age):
    found = read_comments([f"Age: {text}"]).age
    assert math.isnan(found) if age is None else found == age


@pytest.mark.parametrize("text", ["Sinus bradycardia.", "atrial fibrillation", ""])
def test_words_are_no_codes(text):
    assert split_codes(text) == []
