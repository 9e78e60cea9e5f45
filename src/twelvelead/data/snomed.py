"""Other archives' codes as SCP statements, where the two say the same; every other code is kept as it is.

SNOMED CT codes are those of the PhysioNet/CinC Challenges 2020 and 2021 (Reyna et al. 2021,
doi 10.23919/CinC53138.2021.9662687; Perez Alday et al. 2020, doi 10.1088/1361-6579/abc960). A mapping is
taken as sound if the Challenge gave PTB-XL's own statement that code (their counts agree), if the Challenge
scores two codes as one class, or if one term is a subtype of the other by definition. Codes without a site
("myocardial infarction"), of an unspecified degree ("av block") or without a counterpart among the 71 (axis,
early repolarisation) are not mapped.
"""

from __future__ import annotations

from collections.abc import Iterable

from twelvelead.ecg.statement import STATEMENTS

# SNOMED CT code | SCP statement | the Challenge's term
_TABLE = """\
164889003 | AFIB | atrial fibrillation
282825002 | AFIB | paroxysmal atrial fibrillation
314208002 | AFIB | rapid atrial fibrillation
426749004 | AFIB | chronic atrial fibrillation
164890007 | AFLT | atrial flutter
733534002 | CLBBB | complete left bundle branch block
164909002 | CLBBB | left bundle branch block (one class with the above in the Challenge)
251120003 | ILBBB | incomplete left bundle branch block
713427006 | CRBBB | complete right bundle branch block
59118001 | CRBBB | right bundle branch block (one class with the above in the Challenge)
713426002 | IRBBB | incomplete right bundle branch block
445118002 | LAFB | left anterior fascicular block
445211001 | LPFB | left posterior fascicular block
698252002 | IVCD | nonspecific intraventricular conduction disorder
270492004 | 1AVB | 1st degree av block
195042002 | 2AVB | 2nd degree av block
54016002 | 2AVB | mobitz type i wenckebach atrioventricular block
426183003 | 2AVB | mobitz type II atrioventricular block
27885002 | 3AVB | complete heart block
164947007 | LPR | prolonged pr interval
74390002 | WPW | wolff parkinson white pattern
426783006 | SR | sinus rhythm
427393009 | SARRH | sinus arrhythmia
426177001 | SBRAD | sinus bradycardia
427084000 | STACH | sinus tachycardia
426761007 | SVTAC | supraventricular tachycardia
713422000 | SVTAC | atrial tachycardia
251166008 | SVTAC | atrioventricular node reentrant tachycardia
233897008 | SVTAC | atrioventricular reentrant tachycardia
67198005 | PSVT | paroxysmal supraventricular tachycardia
195101003 | SVARR | wandering atrial pacemaker
17366009 | SVARR | sinus atrium to atrial wandering rhythm
10370003 | PACE | pacing rhythm
251266004 | PACE | ventricular pacing pattern
251268003 | PACE | atrial pacing pattern
284470004 | PAC | premature atrial contraction
63593006 | PAC | supraventricular premature beats (one class with the above in the Challenge)
427172004 | PVC | premature ventricular contractions
17338001 | PVC | ventricular premature beats (one class with the above in the Challenge)
164884008 | PVC | ventricular ectopics
251182009 | PVC | paired ventricular premature complexes
11157007 | BIGU | ventricular bigeminy
251173003 | BIGU | atrial bigeminy
251168009 | BIGU | supraventricular bigeminy
251180001 | TRIGU | ventricular trigeminy
54329005 | AMI | anterior myocardial infarction
426434006 | ISCAN | anterior ischemia
425419005 | ISCIN | inferior ischaemia
425623009 | ISCLA | lateral ischaemia
164873001 | LVH | left ventricular hypertrophy
55827005 | VCLVH | left ventricular high voltage
89792004 | RVH | right ventricular hypertrophy
67741000119109 | LAO/LAE | left atrial enlargement
446813000 | LAO/LAE | left atrial hypertrophy
253352002 | LAO/LAE | left atrial abnormality
446358003 | RAO/RAE | right atrial hypertrophy
253339007 | RAO/RAE | right atrial abnormality
251146004 | LVOLT | low qrs voltages
111975006 | LNGQT | prolonged qt interval
164917005 | QWAVE | qwave abnormal
164951009 | ABQRS | abnormal QRS
164934002 | TAB_ | t wave abnormal
59931005 | INVT | t wave inversion
55930002 | NST_ | s t changes
429622005 | STD_ | st depression
704997005 | STD_ | inferior ST segment depression
164931005 | STE_ | st elevation
"""

SNOMED: dict[str, str] = {
    code: scp for code, scp, _ in (line.split(" | ", 2) for line in _TABLE.splitlines())
}
"""SCP statement by SNOMED CT code."""

ACRONYMS: dict[str, str] = {
    # CPSC 2018 (Liu et al. 2018, doi 10.1166/jmihi.2018.2442)
    "Normal": "NORM", "I-AVB": "1AVB", "LBBB": "CLBBB", "RBBB": "CRBBB", "STD": "STD_", "STE": "STE_",
    # Chapman-Shaoxing (Zheng et al. 2020, doi 10.1038/s41597-020-0386-x)
    "SB": "SBRAD", "ST": "STACH", "SA": "SARRH", "SI": "SARRH", "SVT": "SVTAC", "AT": "SVTAC",
    "AVNRT": "SVTAC", "AVRT": "SVTAC", "APB": "PAC", "VPB": "PVC", "2AVB1": "2AVB", "2AVB2": "2AVB",
    "LVHV": "VCLVH", "STDD": "STD_", "TWO": "INVT", "QTIE": "LNGQT", "PRIE": "LPR", "AQW": "QWAVE",
    "LVQRSAL": "LVOLT",
}  # fmt: skip
"""SCP statement by label of two archives. "AF" is left out: fibrillation in one, flutter in the other."""

NOTHING = frozenset({"", "none", "unknown", "nan", "n/a", "na"})


def scp_of(code: str) -> str | None:
    """The SCP statement that a SNOMED CT code, an SCP code or a known acronym stands for, if any."""
    return code if code in STATEMENTS else SNOMED.get(code) or ACRONYMS.get(code)


def likelihood_of(scp: str) -> float:
    """That of a statement without a hedge, as PTB-XL writes it: 100 for a diagnosis, else 0, "not stated"."""
    return 100.0 if STATEMENTS[scp].diagnostic else 0.0


def sort_codes(codes: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """Likelihood by SCP statement, and the codes that stand for none, both in the order given, each once."""
    stated: dict[str, float] = {}
    other: dict[str, None] = {}
    for code in codes:
        if (scp := scp_of(code)) is not None:
            stated[scp] = likelihood_of(scp)
        elif code.lower() not in NOTHING:
            other[code] = None
    return stated, list(other)
