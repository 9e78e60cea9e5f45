"""The 71 SCP-ECG statements of PTB-XL: what each says, its kind, and its place in the diagnostic tree.

Source: Wagner et al., PTB-XL, Sci Data 7:154 (2020), doi:10.1038/s41597-020-0495-6. Codes, order, flags,
classes and descriptions are those of the data set's scp_statements.csv, spelling included; counts are the
published ones (v1.0.1, 21,837 records).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from twelvelead.errors import DataError


@dataclass(frozen=True, slots=True)
class Statement:
    """One SCP-ECG statement.

    Attributes:
        code: Key of PTB-XL's `scp_codes`, such as "LAFB".
        description: Wording of scp_statements.csv, verbatim.
        diagnostic: Names a diagnosis.
        form: Describes the shape of a wave.
        rhythm: Names a rhythm.
        superclass: NORM, MI, STTC, CD or HYP; None unless diagnostic.
        subclass: One of 23 subclasses; None unless diagnostic.
        phrase: Plain words that fit "Does this ECG show …?".
        n: Records of 21,837 that carry it: its prevalence weight.
    """

    code: str
    description: str
    diagnostic: bool
    form: bool
    rhythm: bool
    superclass: str | None
    subclass: str | None
    phrase: str
    n: int


# code | Diagnostic, Form, Rhythm | superclass:subclass | n | description | phrase, where it differs
_TABLE = """\
NDT | DF | STTC:STTC | 1829 | non-diagnostic T abnormalities | non-diagnostic T wave abnormalities
NST_ | DF | STTC:NST_ | 770 | non-specific ST changes
DIG | DF | STTC:STTC | 181 | digitalis-effect | digitalis effect
LNGQT | DF | STTC:STTC | 118 | long QT-interval | a long QT interval
NORM | D | NORM:NORM | 9528 | normal ECG | a normal ECG
IMI | D | MI:IMI | 2685 | inferior myocardial infarction
ASMI | D | MI:AMI | 2363 | anteroseptal myocardial infarction
LVH | D | HYP:LVH | 2137 | left ventricular hypertrophy
LAFB | D | CD:LAFB/LPFB | 1626 | left anterior fascicular block
ISC_ | D | STTC:ISC_ | 1275 | non-specific ischemic | non-specific ischemic changes
IRBBB | D | CD:IRBBB | 1118 | incomplete right bundle branch block
1AVB | D | CD:_AVB | 797 | first degree AV block
IVCD | D | CD:IVCD | 789 | non-specific intraventricular conduction disturbance (block) | non-specific intraventricular conduction disturbance
ISCAL | D | STTC:ISCA | 660 | ischemic in anterolateral leads | ischemic changes in anterolateral leads
CRBBB | D | CD:CRBBB | 542 | complete right bundle branch block
CLBBB | D | CD:CLBBB | 536 | complete left bundle branch block
ILMI | D | MI:IMI | 479 | inferolateral myocardial infarction
LAO/LAE | D | HYP:LAO/LAE | 427 | left atrial overload/enlargement | left atrial enlargement
AMI | D | MI:AMI | 354 | anterior myocardial infarction
ALMI | D | MI:AMI | 290 | anterolateral myocardial infarction
ISCIN | D | STTC:ISCI | 219 | ischemic in inferior leads | ischemic changes in inferior leads
INJAS | D | MI:AMI | 215 | subendocardial injury in anteroseptal leads
LMI | D | MI:LMI | 201 | lateral myocardial infarction
ISCIL | D | STTC:ISCI | 179 | ischemic in inferolateral leads | ischemic changes in inferolateral leads
LPFB | D | CD:LAFB/LPFB | 177 | left posterior fascicular block
ISCAS | D | STTC:ISCA | 170 | ischemic in anteroseptal leads | ischemic changes in anteroseptal leads
INJAL | D | MI:AMI | 148 | subendocardial injury in anterolateral leads
ISCLA | D | STTC:ISCA | 142 | ischemic in lateral leads | ischemic changes in lateral leads
RVH | D | HYP:RVH | 126 | right ventricular hypertrophy
ANEUR | D | STTC:STTC | 104 | ST-T changes compatible with ventricular aneurysm
RAO/RAE | D | HYP:RAO/RAE | 99 | right atrial overload/enlargement | right atrial enlargement
EL | D | STTC:STTC | 97 | electrolytic disturbance or drug (former EDIS) | electrolyte disturbance or drug effect
WPW | D | CD:WPW | 80 | Wolf-Parkinson-White syndrome | Wolff-Parkinson-White syndrome
ILBBB | D | CD:ILBBB | 77 | incomplete left bundle branch block
IPLMI | D | MI:IMI | 51 | inferoposterolateral myocardial infarction
ISCAN | D | STTC:ISCA | 44 | ischemic in anterior leads | ischemic changes in anterior leads
IPMI | D | MI:IMI | 33 | inferoposterior myocardial infarction
SEHYP | D | HYP:SEHYP | 30 | septal hypertrophy
INJIN | D | MI:IMI | 18 | subendocardial injury in inferior leads
INJLA | D | MI:AMI | 17 | subendocardial injury in lateral leads
PMI | D | MI:PMI | 17 | posterior myocardial infarction
3AVB | D | CD:_AVB | 16 | third degree AV block
INJIL | D | MI:IMI | 15 | subendocardial injury in inferolateral leads
2AVB | D | CD:_AVB | 14 | second degree AV block
ABQRS | F |  | 3327 | abnormal QRS | abnormal QRS complexes
PVC | F |  | 1146 | ventricular premature complex | ventricular premature complexes
STD_ | F |  | 1009 | non-specific ST depression
VCLVH | F |  | 875 | voltage criteria (QRS) for left ventricular hypertrophy | voltage criteria for left ventricular hypertrophy
QWAVE | F |  | 548 | Q waves present | pathological Q waves
LOWT | F |  | 438 | low amplitude T-waves | low amplitude T waves
NT_ | F |  | 424 | non-specific T-wave changes | non-specific T wave changes
PAC | F |  | 398 | atrial premature complex | atrial premature complexes
LPR | F |  | 340 | prolonged PR interval | a prolonged PR interval
INVT | F |  | 294 | inverted T-waves | inverted T waves
LVOLT | F |  | 182 | low QRS voltages in the frontal and horizontal leads | low QRS voltages
HVOLT | F |  | 62 | high QRS voltage | high QRS voltages
TAB_ | F |  | 35 | T-wave abnormality | T wave abnormality
STE_ | F |  | 28 | non-specific ST elevation
PRC(S) | F |  | 10 | premature complex(es) | premature complexes
SR | R |  | 16782 | sinus rhythm
AFIB | R |  | 1514 | atrial fibrillation
STACH | R |  | 826 | sinus tachycardia
SARRH | R |  | 772 | sinus arrhythmia
SBRAD | R |  | 637 | sinus bradycardia
PACE | R |  | 296 | normal functioning artificial pacemaker | artificial pacemaker rhythm
SVARR | R |  | 157 | supraventricular arrhythmia
BIGU | R |  | 82 | bigeminal pattern (unknown origin, SV or Ventricular) | a bigeminal pattern
AFLT | R |  | 73 | atrial flutter
SVTAC | R |  | 27 | supraventricular tachycardia
PSVT | R |  | 24 | paroxysmal supraventricular tachycardia
TRIGU | R |  | 20 | trigeminal pattern (unknown origin, SV or Ventricular) | a trigeminal pattern
"""  # noqa: E501 one row a line


def _parse(line: str) -> Statement:
    code, kinds, tree, n, description, *phrase = line.split(" | ")
    superclass, _, subclass = tree.partition(":")
    return Statement(
        code=code,
        description=description,
        diagnostic="D" in kinds,
        form="F" in kinds,
        rhythm="R" in kinds,
        superclass=superclass or None,
        subclass=subclass or None,
        phrase=phrase[0] if phrase else description,
        n=int(n),
    )


STATEMENTS: dict[str, Statement] = {row.code: row for row in map(_parse, _TABLE.splitlines())}


def statement(code: str) -> Statement:
    """Return the statement of a code.

    Raises:
        DataError: No such code; the message proposes the nearest ones.
    """
    found = STATEMENTS.get(code)
    if found is None:
        near = difflib.get_close_matches(code.upper(), STATEMENTS, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "scp_statements.csv of PTB-XL lists them."
        raise DataError(
            f"there is no SCP statement {code!r}", expected="one of the 71 codes of PTB-XL", fix=hint
        )
    return found
