import pytest

from twelvelead.data.mimic_statements import RULES, statements_of
from twelvelead.ecg.statement import STATEMENTS


def test_every_rule_ends_at_the_71_and_nearly_all_can_be_reached():
    reached = {code for rule in RULES for code, _ in rule.codes}
    assert reached <= set(STATEMENTS)
    assert set(STATEMENTS) - reached == {"NDT"}  # "non-diagnostic": neither program says so


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("Sinus rhythm", {"SR": 0}),
        ("Normal ECG", {"NORM": 100}),
        ("Normal ECG except for rate", {"NORM": 80}),
        ("Inferior infarct - age undetermined", {"IMI": 100}),
        ("*** INFERIOR INFARCT - POSSIBLY ACUTE ***", {"IMI": 100}),
        ("Anteroseptal infarct, age indeterminate", {"ASMI": 100}),
        ("Lateral T wave changes may be due to myocardial ischemia", {"ISCLA": 50}),
        ("Ant/septal and lateral T wave changes may be due to myocardial ischemia", {"ISCAL": 50}),
        ("Inferior and ant/septal ST-T changes may be due to the hypertrophy and/or ischemia", {"ISC_": 50}),
        ("Repol abnrm suggests ischemia, lateral leads", {"ISCLA": 80}),
        ("Ant/septal and lateral ST-T changes are nonspecific", {"NST_": 100, "NT_": 0}),
        ("Nonspecific T abnrm, anterolateral leads", {"NT_": 0}),
        ("RBBB with left anterior fascicular block", {"CRBBB": 100, "LAFB": 100}),
        ("Incomplete RBBB and LAFB", {"IRBBB": 100, "LAFB": 100}),
        ("Conduction defect of LBBB type", {"IVCD": 100}),
        ("AV block, complete (third degree)", {"3AVB": 100}),
        ("Left ventricular hypertrophy by voltage only", {"VCLVH": 0}),
        ("LVH with secondary repolarization abnormality", {"LVH": 100}),
        ("Afib/flut and V-paced complexes", {"AFIB": 50, "AFLT": 50, "PACE": 0}),
        ("Multiple premature complexes, vent & supraven", {"PVC": 0, "PAC": 0}),
        ("- supraventricular extrasystoles", {"PAC": 0}),
        ("Sinus rhythm with PAC(s).", {"SR": 0, "PAC": 0}),
        ("Generalized low QRS voltages", {"LVOLT": 0}),
        ("No further rhythm analysis attempted due to paced rhythm", {"PACE": 0}),
    ],
)  # fmt: skip
def test_a_sentence_of_the_machine_is_understood(line, stated):
    assert statements_of([line]) == (stated, [])


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("Cannot rule out septal infarct - age undetermined", {"ASMI": 15}),
        ("Poor R wave progression - cannot rule out anteroseptal infarct", {"ASMI": 15}),
        ("Q in V1/V2 may be normal variant but septal infarct cannot be excluded", {"ASMI": 15}),
        ("Possible anterior infarct - age undetermined", {"AMI": 50}),
        ("Left axis deviation - possible left anterior fascicular block", {"LAFB": 50}),
        ("Sinus rhythm with borderline 1st degree A-V block", {"SR": 0, "1AVB": 50}),
        ("Prolonged QT - consider ischemia, electrolyte imbalance", {"LNGQT": 100, "ISC_": 50, "EL": 50}),
        ("Probable left atrial enlargement", {"LAO/LAE": 80}),
        ("QRS changes V3/V4 may be due to LVH but cannot rule out anterior infarct", {"LVH": 50, "AMI": 15}),
        ("IVCD, consider atypical RBBB", {"IVCD": 100, "CRBBB": 50}),
    ],
)
def test_a_hedge_lowers_what_follows_it_in_its_clause(line, stated):
    assert statements_of([line]) == (stated, [])


@pytest.mark.parametrize(
    "line",
    [
        "Abnormal ECG", "Borderline ECG", "No evidence of inferior infarct", "Left axis deviation",
        "rSr'(V1) - probable normal variant", "Warning: Data quality may affect interpretation",
        "Small inferior Q waves: infarct cannot be excluded", "Poor R wave progression",
        "Inferior ST-T changes are age and gender related", "--- Possible arm lead reversal ---",
    ],
)  # fmt: skip
def test_a_line_that_states_none_of_the_71_is_handed_back_as_it_stands(line):
    assert statements_of(["Sinus tachycardia", line]) == ({"STACH": 0}, [line])


def test_the_surest_of_several_mentions_counts():
    lines = ["Possible inferior infarct", "Inferior infarct, old", "Cannot rule out inferior infarct"]
    assert statements_of(lines) == ({"IMI": 100}, [])
