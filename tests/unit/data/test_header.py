import pytest

from twelvelead.data.header import lead_rows, read_header, standard_lead
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("I", "I"), ("ii", "II"), ("AVR", "aVR"), ("avf", "aVF"), ("v6", "V6"), ("Lead I", "I"),
        ("Lead I (Einthoven)", "I"), ("Lead aVL", "aVL"), ("ECG V3", "V3"), ("ECG Lead II", "II"),
        ("MDC_ECG_LEAD_AVR", "aVR"), ("MDC_ECG_LEAD_V1", "V1"), ("DIII", "III"), ("D1", "I"), ("C4", "V4"),
        ("V 2", "V2"),
    ],
)  # fmt: skip
def test_a_lead_is_known_by_any_of_its_names(name, lead):
    assert LEADS[standard_lead(name)] == lead


@pytest.mark.parametrize("name", ["MLII", "vx", "-aVR", "V7", "V4R", "ECG", "", "I+", "Lead", "CM5", "IV"])
def test_other_leads_are_not_taken_for_one_of_the_twelve(name):
    assert standard_lead(name) is None


def test_rows_follow_names_whatever_the_order_and_what_else_is_there():
    names = ["vx", "I", "II", "III", "aVR", "aVF", "aVL", *(f"V{n}" for n in range(6, 0, -1)), "RESP"]
    assert [names[row] for row in lead_rows(names, "r")] == list(LEADS)


def test_a_missing_lead_is_named_beside_those_that_are_there():
    with pytest.raises(RecordError, match=r"without lead III, aVR(?s:.*)the channels are I, II, aVL"):
        lead_rows(["I", "II", "aVL", "aVF", *(f"V{n}" for n in range(1, 7))], "r")


def write(folder, text):
    (folder / "r.hea").write_text(text)
    return folder / "r"


def test_comments_and_files_are_told(tmp_path):
    header = read_header(
        write(
            tmp_path, "r 2 1000 5\nr.dat 16 2000 16 0 0 0 0 i\nr.xyz 16 2000 16 0 0 0 0 vx\n\n# age: 81\n#x\n"
        )
    )
    assert header.files == ("r.dat", "r.xyz")
    assert header.comments == ("age: 81", "x")


def test_a_zero_takes_the_place_of_a_missing_baseline(tmp_path):
    channels = read_header(
        write(tmp_path, "r 3 500 9\nr.dat 16 200/mV 12 7 0 0 0 I\nr.dat 16 200(3) 12 7\nr.dat 16\n")
    ).channels
    assert [(c.gain_per_mv, c.baseline, c.name) for c in channels] == [
        (200, 7, "I"),
        (200, 3, ""),
        (200, 0, ""),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("r/2 12 500 9\na 5\nb 4\n", "several segments"),
        ("r 1 500 9\nr.dat 16 nan/mV 16 0\n", "malformed"),
        ("r 1 500 9\n../r.dat 16 200\n", "outside its folder"),
        ("r 1 500 9\n~ 0 200\n", "outside its folder"),
        ("", "malformed"),
    ],
)
def test_a_header_that_cannot_be_trusted_is_refused(tmp_path, text, words):
    with pytest.raises(RecordError, match=words):
        read_header(write(tmp_path, text))
