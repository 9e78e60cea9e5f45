"""Words for measured values, signs, axis, infarction stage and noise; no word stands for two things."""

from __future__ import annotations

from twelvelead.ecg.lead import LEADS
from twelvelead.instruct.case import STAGES, WAVES, axis_class, normal_range, unit

Names = tuple[str, ...]

_MEASURES: dict[str, Names] = {
    "rate_bpm": ("heart rate", "ventricular rate", "rate"),
    "p_ms": ("P wave duration", "P duration", "duration of the P wave"),
    "pr_ms": ("PR interval", "PR", "PR time"),
    "qrs_ms": ("QRS duration", "QRS width", "QRS", "duration of the QRS complex"),
    "qt_ms": ("QT interval", "QT", "uncorrected QT interval"),
    "qtc_ms": ("QTc", "corrected QT interval", "QTc interval", "QTc by Fridericia"),
    "axis_deg": ("QRS axis", "frontal QRS axis", "electrical axis", "axis"),
    "premature_beats": ("number of premature beats", "count of premature beats"),
    "ectopic_beats": (
        "number of premature beats of a different shape",
        "count of premature beats of a different shape",
    ),
}
_WAVES: dict[str, Names] = {
    "p_mv": ("P wave", "P wave amplitude"),
    "q_mv": ("Q wave depth", "depth of the Q wave"),
    "r_mv": ("R wave height", "height of the R wave"),
    "s_mv": ("S wave depth", "depth of the S wave"),
    "st_mv": ("ST level", "ST segment level"),
    "t_mv": ("T wave", "T wave amplitude"),
}
MEASURE_NAMES: dict[str, Names] = _MEASURES | {
    f"{wave}.{lead}": tuple(f"{word} in {of}{lead}" for word in _WAVES[wave] for of in ("", "lead "))
    for wave in WAVES
    for lead in LEADS
}
"""What each measured fact is called."""
MEASURE_OF = {name.casefold(): fact for fact, words in MEASURE_NAMES.items() for name in words}
UNITS: dict[str, Names] = {
    "bpm": (" bpm", " beats per minute", "/min"),
    "ms": (" ms", " milliseconds"),
    "degrees": (" degrees", "°"),
    "mV": (" mV", " millivolts"),
    "": ("",),
}

BAND_WORDS: dict[str, dict[str, Names]] = {
    name: {
        "below": (low, f"{low} for an adult", "below the normal range", "below normal"),
        "within": ("normal", "within the normal range", "within normal limits"),
        "above": (high, f"{high} for an adult", "above the normal range", "above normal"),
    }
    for name, low, high in (
        ("rate_bpm", "slow", "fast"),
        ("p_ms", "short", "long"),
        ("pr_ms", "short", "prolonged"),
        ("qrs_ms", "narrow", "wide"),
        ("qtc_ms", "short", "prolonged"),
    )
}
BAND_LABELS = {
    "below": "below the normal range",
    "within": "within the normal range",
    "above": "above the normal range",
}

SIGN_WORDS: dict[tuple[str, bool], Names] = {
    ("irregular", False): (
        "the rhythm is regular",
        "the RR intervals are regular",
        "the QRS complexes follow each other regularly",
        "the RR intervals hardly vary",
        "the beats are evenly spaced",
        "RR intervals stay nearly the same",
    ),
    ("irregular", True): (
        "the rhythm is irregular",
        "the RR intervals are irregular",
        "the QRS complexes follow each other irregularly",
        "the RR intervals vary more than in a regular rhythm",
        "the beats are unevenly spaced",
        "RR intervals change from beat to beat",
    ),
    ("p_present", True): (
        "a P wave precedes each QRS complex",
        "each QRS complex follows a P wave",
        "P waves come before the QRS complexes at a constant distance",
        "the QRS complexes are preceded by P waves",
        "P waves lead each QRS complex",
        "every QRS complex has its P wave",
    ),
    ("p_present", False): (
        "no P wave precedes the QRS complexes at a constant distance",
        "the QRS complexes do not follow P waves",
        "P waves do not come before the QRS complexes at a constant distance",
        "the QRS complexes are not preceded by P waves",
        "QRS complexes have no P waves before them",
        "P waves do not lead the QRS complexes",
    ),
}
AXIS_WORDS: dict[str, Names] = {
    "normal": ("a normal heart axis", "a normal axis", "a normal electrical axis", "a normal QRS axis"),
    "left": ("left axis deviation", "deviation of the axis to the left", "a leftward axis"),
    "right": ("right axis deviation", "deviation of the axis to the right", "a rightward axis"),
    "extreme": ("extreme axis deviation", "extreme deviation of the axis", "a northwest axis"),
}
STAGE_WORDS: dict[str, Names] = {
    "unknown": (
        "infarction of unknown stage",
        "an infarct of unknown stage",
        "an unknown stage of infarction",
    )
}
for _stage in STAGES[:-1]:
    STAGE_WORDS[_stage] = (
        f"infarction stage {_stage}",
        f"stage {_stage} of infarction",
        f"an infarct in stage {_stage}",
    )
NOISE_WORDS: dict[str, Names] = {
    "baseline_drift": ("baseline drift", "baseline wander", "drift of the baseline"),
    "static_noise": ("static noise", "continuous noise", "noise of the static kind"),
    "burst_noise": ("burst noise", "bursts of noise", "bursty noise"),
    "electrodes_problems": ("electrode problems", "problems with electrodes", "faulty electrode contact"),
}


def number(value: float) -> str:
    """A rounded value in digits: whole, or with the one decimal that it has."""
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def range_text(name: str, sex: str) -> str:
    """The normal range in words, as `case.normal_range` has it; "" where there is none."""
    bounds = normal_range(name, sex)
    if bounds is None or name not in BAND_WORDS:
        return ""
    low, high = bounds
    if name == "p_ms":
        return "below 120 ms"
    return (
        f"{number(low)} to {number(high)} {unit(name)}" if low > 0 else f"up to {number(high)} {unit(name)}"
    )


RANGE_TEXTS = {
    name: tuple(dict.fromkeys(filter(None, (range_text(name, sex) for sex in ("male", "female")))))
    for name in BAND_WORDS
}


def axis_words(degrees: float) -> Names:
    """What an axis of so many degrees is called."""
    return AXIS_WORDS[axis_class(degrees)]
