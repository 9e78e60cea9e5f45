"""Words for statements, classes, measurements and likelihoods: the first of each is the usual one.

No word stands for two things, so that what is said can be read back. Names fit behind "shows", "evidence of"
and "no"; an article belongs to the name and gives way to "no" and to a likelihood.
"""

from __future__ import annotations

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.case import SUBCLASSES, SUPERCLASSES

Names = tuple[str, ...]


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _infarction(site: str) -> Names:
    return (
        f"{site} myocardial infarction",
        f"{site} MI",
        f"{site} infarction",
        f"{_article(site)} {site} infarct",
        f"myocardial infarction of {site} location",
    )


def _ischemia(site: str) -> Names:
    return (
        f"ischemic changes in {site} leads",
        f"{site} ischemic changes",
        f"ischemic ST-T changes in {site} leads",
        f"{site} ischemia",
        f"ST-T changes of {site} ischemia",
    )


def _injury(site: str) -> Names:
    return (
        f"subendocardial injury in {site} leads",
        f"{site} subendocardial injury",
        f"a subendocardial injury pattern in {site} leads",
        f"subendocardial injury of {site} location",
    )


def _bundle(degree: str, side: str, short: str) -> Names:
    return (
        f"{degree} {side} bundle branch block",
        f"{degree} {short}",
        f"{degree[0]}{short}",
        f"{degree} block of the {side} bundle branch",
    )


def _av_block(degree: str, number: str, *others: str) -> Names:
    return (
        f"{degree} degree AV block",
        f"{degree}-degree AV block",
        f"AV block of the {degree} degree",
        f"{number} degree AV block",
        f"{degree} degree atrioventricular block",
        *others,
    )


def _atrium(side: str, short: str) -> Names:
    return (
        f"{side} atrial enlargement",
        f"{side} atrial overload",
        f"enlargement of the {side} atrium",
        f"{side} atrial overload or enlargement",
        short,
    )


def _premature(chamber: str, short: str) -> Names:
    return (
        f"{chamber} premature complexes",
        f"{chamber} premature beats",
        f"{chamber} extrasystoles",
        f"premature {chamber} contractions",
        short,
    )


_OTHERS: dict[str, Names] = {
    "NDT": ("nondiagnostic T wave abnormalities", "T wave abnormalities of no diagnostic kind"),
    "NST_": ("nonspecific ST changes", "non-specific ST segment changes", "nonspecific ST segment changes"),
    "DIG": ("ST-T changes of digitalis", "a digitalis effect on repolarization"),
    "LNGQT": ("QT prolongation", "a prolonged QT interval", "prolongation of the QT interval"),
    "NORM": ("a normal tracing", "a normal electrocardiogram", "an ECG within normal limits"),
    "LVH": ("LVH", "hypertrophy of the left ventricle", "a hypertrophied left ventricle"),
    "LAFB": ("LAFB", "left anterior hemiblock", "block of the left anterior fascicle"),
    "ISC_": ("nonspecific ischemic changes", "ischemic ST-T changes of no specific territory"),
    "IVCD": (
        "nonspecific intraventricular conduction disturbance",
        "a nonspecific intraventricular conduction delay",
        "a non-specific intraventricular conduction delay",
        "IVCD",
    ),
    "LPFB": ("LPFB", "left posterior hemiblock", "block of the left posterior fascicle"),
    "RVH": ("RVH", "hypertrophy of the right ventricle", "a hypertrophied right ventricle"),
    "ANEUR": (
        "ST-T changes suggesting a ventricular aneurysm",
        "ST-T changes of the kind seen with ventricular aneurysm",
    ),
    "EL": ("an electrolyte or drug effect", "changes due to electrolytes or a drug"),
    "WPW": (
        "WPW",
        "WPW syndrome",
        "a Wolff-Parkinson-White pattern",
        "ventricular pre-excitation of WPW type",
    ),
    "SEHYP": (
        "hypertrophy of the septum",
        "a hypertrophied septum",
        "hypertrophy of the interventricular septum",
    ),
    "ABQRS": (
        "an abnormal QRS complex",
        "QRS complexes of abnormal shape",
        "abnormally shaped QRS complexes",
    ),
    "STD_": (
        "nonspecific ST depression",
        "non-specific ST segment depression",
        "ST depression of no specific kind",
    ),
    "STE_": (
        "nonspecific ST elevation",
        "non-specific ST segment elevation",
        "ST elevation of no specific kind",
    ),
    "VCLVH": (
        "voltage criteria for LVH",
        "QRS voltages that meet criteria for LVH",
        "LVH by voltage criteria",
    ),
    "QWAVE": ("pathologic Q waves", "abnormal Q waves", "Q waves of pathological size"),
    "LOWT": ("low T waves", "T waves of low amplitude", "low-voltage T waves"),
    "NT_": ("nonspecific T wave changes", "T wave changes of no specific kind"),
    "LPR": ("PR prolongation", "a long PR interval", "prolongation of the PR interval"),
    "INVT": ("T wave inversion", "T wave inversions", "inversion of T waves"),
    "LVOLT": ("low QRS voltage", "QRS complexes of low voltage", "low voltage of the QRS complexes"),
    "HVOLT": ("high QRS voltage", "QRS complexes of high voltage", "high voltage of the QRS complexes"),
    "TAB_": ("an abnormal T wave", "an abnormality of the T wave"),
    "PRC(S)": ("premature beats of unspecified origin", "extrasystoles of unspecified origin"),
    "SR": ("a sinus-node rhythm", "a rhythm of sinus origin", "rhythm from the sinus node"),
    "AFIB": ("AF", "AFib", "fibrillation of the atria"),
    "STACH": ("a fast sinus rhythm", "tachycardia of sinus origin"),
    "SARRH": ("an irregular sinus rhythm", "arrhythmia of sinus origin"),
    "SBRAD": ("a slow sinus rhythm", "bradycardia of sinus origin"),
    "PACE": ("a paced rhythm", "a pacemaker rhythm", "pacing by an artificial pacemaker"),
    "SVARR": ("an arrhythmia of supraventricular origin", "a supraventricular rhythm disturbance"),
    "BIGU": ("bigeminy", "bigeminus"),
    "AFLT": ("AFL", "flutter of the atria"),
    "SVTAC": ("SVT", "tachycardia of supraventricular origin"),
    "PSVT": ("PSVT", "paroxysmal SVT", "a paroxysm of supraventricular tachycardia"),
    "TRIGU": ("trigeminy", "trigeminus"),
    "PVC": _premature("ventricular", "PVCs"),
    "PAC": _premature("atrial", "PACs"),
    "LAO/LAE": _atrium("left", "LAE"),
    "RAO/RAE": _atrium("right", "RAE"),
    "CRBBB": _bundle("complete", "right", "RBBB"),
    "IRBBB": _bundle("incomplete", "right", "RBBB"),
    "CLBBB": _bundle("complete", "left", "LBBB"),
    "ILBBB": _bundle("incomplete", "left", "LBBB"),
    "1AVB": _av_block("first", "1st"),
    "2AVB": _av_block("second", "2nd"),
    "3AVB": _av_block("third", "3rd", "complete AV block", "complete heart block"),
}
_SITES = {"IMI": "inferior", "ASMI": "anteroseptal", "ILMI": "inferolateral", "AMI": "anterior"}
_SITES |= {"ALMI": "anterolateral", "LMI": "lateral", "PMI": "posterior", "IPMI": "inferoposterior"}
_SITES |= {"IPLMI": "inferoposterolateral"}
_LEADS_OF = {"AL": "anterolateral", "AS": "anteroseptal", "LA": "lateral", "AN": "anterior"}
_LEADS_OF |= {"IN": "inferior", "IL": "inferolateral"}
_OTHERS |= {code: _infarction(site) for code, site in _SITES.items()}
_OTHERS |= {f"ISC{leads}": _ischemia(site) for leads, site in _LEADS_OF.items()}
_OTHERS |= {f"INJ{leads}": _injury(site) for leads, site in _LEADS_OF.items() if leads != "AN"}

NAMES: dict[str, Names] = {
    code: tuple(dict.fromkeys((row.phrase, *_OTHERS.get(code, ())))) for code, row in STATEMENTS.items()
}
"""What each of the 71 statements is called."""

_CLASSES: dict[tuple[str, str], Names] = {
    ("superclass", "MI"): (
        "infarction or injury of any site",
        "an infarction or injury pattern of any location",
    ),
    ("superclass", "STTC"): ("ST-T changes of any kind", "repolarization changes of any kind"),
    ("superclass", "CD"): ("a conduction disturbance of any kind", "conduction disturbances of any type"),
    ("superclass", "HYP"): (
        "hypertrophy or enlargement of any chamber",
        "chamber hypertrophy or enlargement",
    ),
    ("subclass", "AMI"): (
        "infarction or injury of the anterior group",
        "anterior-group infarction or injury",
    ),
    ("subclass", "IMI"): (
        "infarction or injury of the inferior group",
        "inferior-group infarction or injury",
    ),
    ("subclass", "STTC"): (
        "ST-T changes beyond ischemic and non-specific ST ones",
        "repolarization changes other than ischemic or non-specific ST ones",
    ),
    ("subclass", "ISCA"): ("ischemic changes of the anterior lead groups", "anterior-group ischemic changes"),
    ("subclass", "ISCI"): ("ischemic changes of the inferior lead groups", "inferior-group ischemic changes"),
    ("subclass", "LAFB/LPFB"): ("a fascicular block of either kind", "a left hemiblock of either kind"),
    ("subclass", "_AVB"): ("an AV block of any degree", "an atrioventricular block of any degree"),
    ("group", "diagnostic"): (
        "a diagnostic statement other than a normal ECG",
        "an abnormal diagnostic statement",
    ),
    ("group", "form"): (
        "an abnormality of waves, voltage or premature beats",
        "a finding of wave form, voltage or premature beats",
    ),
    ("group", "rhythm"): (
        "a rhythm statement other than sinus rhythm",
        "an underlying rhythm other than plain sinus rhythm",
    ),
}


def thing(kind: str, target: str) -> tuple[str, str]:
    """Kind and target of what is spoken of: a class of a single statement is that statement."""
    codes = {"subclass": SUBCLASSES, "superclass": SUPERCLASSES}.get(kind, {}).get(target, ())
    return ("statement", codes[0]) if len(codes) == 1 else (kind, target)


def names(kind: str, target: str) -> Names:
    """What a statement, subclass, superclass or task group is called."""
    kind, target = thing(kind, target)
    return NAMES[target] if kind == "statement" else _CLASSES[kind, target]


THINGS: dict[str, tuple[str, str]] = {
    name.casefold(): ("statement", code) for code, words in NAMES.items() for name in words
} | {name.casefold(): key for key, words in _CLASSES.items() for name in words}
"""Name in small letters → what it stands for."""

TOPICS: dict[tuple[str, str], Names] = {
    ("group", "rhythm"): ("rhythm", "cardiac rhythm", "heart rhythm"),
    ("group", "form"): (
        "wave form and premature beats",
        "form of waves and premature beats",
        "waves and premature beats",
    ),
    ("group", "diagnostic"): ("diagnosis", "diagnostic findings", "diagnostic statements"),
    ("superclass", "MI"): ("infarction", "myocardial infarction and injury", "infarction and injury"),
    ("superclass", "STTC"): ("repolarization", "ST segment and T wave", "ST-T segment"),
    ("superclass", "CD"): ("conduction", "conduction of the impulse", "AV and intraventricular conduction"),
    ("superclass", "HYP"): ("hypertrophy", "hypertrophy and chamber size", "chamber enlargement"),
}
"""What open questions and report sections are about."""


def bare(name: str) -> tuple[str, str]:
    """Article ("" or with its blank) and the rest of a name."""
    for article in ("a ", "an "):
        if name.startswith(article):
            return article, name[len(article) :]
    return "", name


LEVELS = (100.0, 80.0, 50.0, 35.0, 15.0)
"""PTB-XL's likelihoods; 0, "not stated", is worded as certain."""
HEDGES: dict[float, tuple[Names, Names]] = {  # before the name, behind it
    100.0: ((), ()),
    80.0: (("probable", "likely"), ("probable", "likely")),
    50.0: (("possible", "suspected"), ("possible", "suspected")),
    35.0: (("questionable", "doubtful"), ("questionable", "doubtful")),
    15.0: ((), ("cannot be excluded", "not excluded", "cannot be ruled out", "not ruled out")),
}
HEDGE_LEVEL = {word: level for level, sides in HEDGES.items() for words in sides for word in words}


def level(likelihood: float) -> float:
    """The level of LEVELS that a likelihood is worded as: the nearest, and 0 as certain."""
    if likelihood <= 0:
        return 100.0
    return min(LEVELS, key=lambda one: abs(one - likelihood))
