"""The machine's sentences in MIMIC-IV-ECG as SCP statements.

The reports of MIMIC-IV-ECG (Gow et al. 2023, doi 10.13026/4nqg-sb35) come from two interpretation programs:
sentences such as "Inferior infarct - age undetermined" or "Lateral T wave changes may be due to myocardial
ischemia" from the Glasgow program, "Nonspecific T abnrm, anterolateral leads" from Philips DXL. Each line is
searched with the rules of `_TABLE` from top to bottom. What one rule matched no later rule sees, so the
special comes before the general; a rule without a code claims words that would mislead a later one. A line
that states none of the 71 stays in the report text and is counted.

A hedge counts for what follows it in its clause: "cannot rule out" gives likelihood 15, "possible" 50,
"probable" 80, the steps of PTB-XL (Wagner et al. 2020). Without one a diagnosis has 100, and a form or rhythm
0, PTB-XL's "not stated". A negated statement is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from twelvelead.data.snomed import likelihood_of

# regular expression → SCP statements, with a likelihood of its own after a colon
_TABLE = r"""
^.*\b(?:age and gender related|age related|reciprocal to)\b.*$ →
\bsmall [\w ]*q waves?\b.*$ →
\b(?:normal|juvenile) (?:variant|t waves?|early repol\w*) →
\bconduction defect of (?:\w+ bundle branch block|[lr]bbb) type → IVCD
\bnormal ecg except\b.*$ → NORM:80
\botherwise (?:normal|within normal limits)(?: ecg)? → NORM:80
\bnormal (?:ecg|ekg|electrocardiogram)\b → NORM
\bsinus rhythm → SR
\bsinus tachy\w* → STACH
\bsinus brady\w* → SBRAD
\bsinus arrhythmia → SARRH
\ba(?:trial )?fib(?:rillation)?(?: ?/ ?| or )(?:atrial )?flut(?:ter)? → AFIB:50 AFLT:50
\b(?:atrial fibrillation|a-?fib)\b → AFIB
\batrial flutter → AFLT
\bparoxysmal supraventricular tachy\w* → PSVT
\b(?:wandering atrial pacemaker|multifocal atrial \w+|supraventricular arrhythmia) → SVARR
\b(?:supraventricular|atrial|junctional) tachy\w* → SVTAC
\b(?:pacemaker|paced|pacing)\b → PACE
\bbigemin(?:y|al) → BIGU
\btrigemin(?:y|al) → TRIGU
\bpremature complexes, vent\w* (?:&|and) supraven\w* → PVC PAC
\bpremature ventricular \w+ or aberrant ventricular conduction → PVC:50
\b(?:premature ventricular|ventricular (?:premature|ectopic)) (?:complex|contraction|beat)\w* → PVC
\b(?:ventricular (?:extrasystole|ectopy|couplet)\w*|pvc(?:\(s\)|s\b|\b)) → PVC
\b(?:premature (?:atrial|supraventricular)|(?:supraventricular|atrial) premature) (?:complex|contraction|beat)\w* → PAC
\b(?:(?:supraventricular|atrial) (?:extrasystole|couplet)\w*|pac(?:\(s\)|s\b|\b)) → PAC
\bpremature (?:complex|contraction|beat)\w* → PRC(S)
\b(?:1st|first)[ -]degree (?:a-?v|atrioventricular) block → 1AVB
\b(?:2nd|second)[ -]degree (?:a-?v|atrioventricular) block|\b(?:mobitz|wenckebach) → 2AVB
\b(?:3rd|third)[ -]degree (?:a-?v|atrioventricular) block|\bcomplete (?:heart|a-?v) block|\ba-?v block, complete → 3AVB
\bprolonged pr interval → LPR
\b(?:wpw|wolff-parkinson-white|pre-?excitation) → WPW
\b(?:incomplete (?:left bundle branch block|lbbb)|ilbbb) → ILBBB
\b(?:incomplete (?:right bundle branch block|rbbb)|irbbb) → IRBBB
\b(?:left bundle branch block|lbbb)\b → CLBBB
\b(?:right bundle branch block|rbbb)\b → CRBBB
\b(?:left anterior (?:fascicular block|hemiblock)|lafb)\b → LAFB
\b(?:left posterior (?:fascicular block|hemiblock)|lpfb)\b → LPFB
\bivcd\b|\b(?:iv|i\.v\.|intraventricular) conduction (?:defect|delay|disturbance|disorder) → IVCD
\binferoposterolateral (?:\w+ )?(?:infarct\w*|mi\b) → IPLMI
\b(?:inferoposterior|inferior/posterior|inferior and posterior) (?:\w+ )?(?:infarct\w*|mi\b) → IPMI
\b(?:inferolateral|inferior/lateral|inferior and lateral) (?:\w+ )?(?:infarct\w*|mi\b) → ILMI
\b(?:anteroseptal|ant/septal|septal) (?:\w+ )?(?:infarct\w*|mi\b) → ASMI
\b(?:anterolateral|ant/lateral) (?:\w+ )?(?:infarct\w*|mi\b) → ALMI
\banterior (?:\w+ )?(?:infarct\w*|mi\b) → AMI
\binferior (?:\w+ )?(?:infarct\w*|mi\b) → IMI
\blateral (?:\w+ )?(?:infarct\w*|mi\b) → LMI
\bposterior (?:extension of )?(?:infarct\w*|mi\b) → PMI
\bventricular aneurysm → ANEUR
\banteroseptal subendocardial injury → INJAS
\banterolateral subendocardial injury → INJAL
\b(?:inferolateral|inferior/lateral) subendocardial injury → INJIL
\binferior subendocardial injury → INJIN
\blateral subendocardial injury → INJLA
\b(?:ant/septal and lateral|anterolateral)[\w /-]*ischemia → ISCAL
\b(?:inferolateral|inferior/lateral|inferior and lateral)[\w /-]*ischemia → ISCIL
\b(?:inferior and|septal and lateral)[\w /-]*ischemia → ISC_
\b(?:anteroseptal|ant/septal|septal)[\w /-]*ischemia → ISCAS
\banterior[\w /-]*ischemia → ISCAN
\binferior[\w /-]*ischemia → ISCIN
\blateral[\w /-]*ischemia → ISCLA
\bischemia, (?:anterolat|ant-lat)\w* → ISCAL
\bischemia, (?:anterosept|ant-sept|sept)\w* → ISCAS
\bischemia, (?:inferolat|inf-lat)\w* → ISCIL
\bischemia, ant\w* → ISCAN
\bischemia, inf\w* → ISCIN
\bischemia, lat\w* → ISCLA
\bischemia → ISC_
\b(?:left ventricular hypertrophy|lvh) by voltage(?: only)?|\bvoltage (?:criteria )?for (?:left ventricular hypertrophy|lvh) → VCLVH
\b(?:left ventricular hypertrophy|lvh)\b → LVH
\b(?:right ventricular hypertrophy|rvh)\b → RVH
\bbiventricular hypertrophy → LVH RVH
\bseptal hypertrophy → SEHYP
\bhigh (?:qrs )?voltages? → HVOLT
\blow (?:qrs )?voltages? → LVOLT
\bbiatrial (?:enlargement|abnormality) → LAO/LAE RAO/RAE
\b(?:left atrial (?:enlargement|abnormality|overload)|lae)\b → LAO/LAE
\b(?:right atrial (?:enlargement|abnormality|overload)|rae)\b → RAO/RAE
\b(?:prolonged|long) qtc?\b → LNGQT
\bdigitalis → DIG
\b(?:electrolyte|hyperkal\w+|hypokal\w+|hypocalc\w+|drug effects?) → EL
\babnormal qrs → ABQRS
\bq waves?\b → QWAVE
\bst[ -](?:t|and t) (?:wave )?(?:abn|change)\w*[\w ]*nonspecific|\bnonspecific (?:st[ -]t|st and t|repol\w*)\b → NST_ NT_
\bst (?:segment )?(?:abn|change)\w*[\w ]*nonspecific|\bnonspecific st\b → NST_
\bt(?: wave)? (?:abn|change)\w*[\w ]*nonspecific|\bnonspecific t\b → NT_
\bst (?:junctional )?depr\w* → STD_
\bst elev\w* → STE_
\bt(?: wave)? inver\w*|\binverted t\b → INVT
\b(?:flat|low) t\b|\bt wave flattening → LOWT
\bst[ -]t (?:wave )?(?:abn|change)\w* → NST_ TAB_
\bst (?:segment )?(?:abn|change)\w* → NST_
\bt(?: wave)? (?:abn|change)\w*|\babnormal t\b → TAB_
"""  # noqa: E501 one rule a line

_CLAUSE_END = re.compile(r" - |;|: | with | but | though | although ")
_HEDGES = (
    (15.0, re.compile(r"cannot rule out|cannot exclude|cannot be (?:excluded|ruled out)|\brule out\b")),
    (50.0, re.compile(r"\b(?:possibl[ey]|may|might|consider|borderline|questionable|suspect)\b")),
    (80.0, re.compile(r"\b(?:probabl[ey]|prob|likely|suggest(?:s|ive)?)\b")),
)
_EXCLUDED_LATER = re.compile(r"cannot be (?:excluded|ruled out)")
_NEGATION = re.compile(r"\b(?:no(?! further)|not|without|absence of|negative for)\b")
_UNHEDGED = 100.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    pattern: re.Pattern[str]
    codes: tuple[tuple[str, float | None], ...]  # SCP statement and its own likelihood, if it has one


def _parse(line: str) -> Rule:
    expression, _, codes = line.partition(" →")
    pairs = (code.partition(":") for code in codes.split())
    return Rule(re.compile(expression), tuple((code, float(own) if own else None) for code, _, own in pairs))


RULES: tuple[Rule, ...] = tuple(_parse(line) for line in _TABLE.strip().splitlines())


def statements_of(lines: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """SCP statements of a machine report.

    Args:
        lines: Its lines, report_0 to report_17.

    Returns:
        Likelihood by statement, in the order of first mention, the surest mention counting; and the lines
        that state none of the 71, as they stand.
    """
    sure: dict[str, float] = {}
    unknown = []
    for line in lines:
        found = _search(line.lower())
        if not found:
            unknown.append(line)
        for code, likelihood in found:
            sure[code] = max(likelihood, sure.get(code, 0.0))
    stated = {
        code: likelihood_of(code) if likelihood == _UNHEDGED else likelihood
        for code, likelihood in sure.items()
    }
    return stated, unknown


def _search(line: str) -> list[tuple[str, float]]:
    """Statements of a lower-case line, in order of place, with likelihoods."""
    rest = line
    found: list[tuple[int, str, float]] = []
    for rule in RULES:
        while (match := rule.pattern.search(rest)) and match.end() > match.start():
            likelihood = _likelihood(line, match.start(), match.end())
            if likelihood is not None:
                found += [(match.start(), code, own or likelihood) for code, own in rule.codes]
            blank = "\0" * (match.end() - match.start())
            rest = rest[: match.start()] + blank + rest[match.end() :]
    return [(code, likelihood) for _, code, likelihood in sorted(found, key=lambda item: item[0])]


def _likelihood(line: str, start: int, end: int) -> float | None:
    """How sure the clause around line[start:end] is; None if it denies."""
    begin = max((mark.end() for mark in _CLAUSE_END.finditer(line, 0, start)), default=0)
    after = _CLAUSE_END.search(line, end)
    if _NEGATION.search(line, begin, start):
        return None
    if _EXCLUDED_LATER.search(line, end, after.start() if after else len(line)):
        return 15.0
    marks = [(mark.end(), value) for value, hedge in _HEDGES for mark in hedge.finditer(line, begin, end)]
    return max(marks)[1] if marks else _UNHEDGED
