"""The report text a device or reader would have written, in German or English, by likelihood."""

from __future__ import annotations

RHYTHM = {
    "SR": ("sinusrhythmus", "sinus rhythm."),
    "AFIB": ("vorhofflimmern", "atrial fibrillation."),
    "STACH": ("sinustachykardie", "sinus tachycardia."),
    "SBRAD": ("sinusbradykardie", "sinus bradycardia."),
}
AXIS = {
    "MID": ("lagetyp normal", ""),
    "LAD": ("linkstyp", ""),
    "ALAD": ("ueberdrehter linkstyp", "left axis deviation."),
    "AXL": ("ueberdrehter linkstyp", "left axis deviation."),
    "RAD": ("rechtstyp", "rightward axis."),
    "AXR": ("rechtstyp", "right axis deviation."),
    "ARAD": ("ueberdrehter rechtstyp", "right axis deviation."),
}
FINDINGS = {
    "PVC": ("ventrikulÄre extrasystole(n)", "premature ventricular contraction(s)."),
    "1AVB": ("a-v block i", "first degree a-v block."),
    "LAFB": ("linksanteriorer hemiblock", "left anterior fascicular block."),
    "CLBBB": ("linksschenkelblock", "left bundle branch block."),
    "CRBBB": ("rechtsschenkelblock", "right bundle branch block."),
    "LVH": ("linkshypertrophie", "left ventricular hypertrophy."),
    "IMI": ("qrs(t) abnorm    inferiorer infarkt", "inferior myocardial infarction."),
    "ASMI": ("qrs(t) abnorm    anteroseptaler infarkt", "anteroseptal myocardial infarction."),
    "ISC_": ("st & t abnorm, wahrscheinlich ischÄmie oder linksbelastung", "lv strain or ischaemia."),
    "NDT": ("unspezifisches abnormales t", "non-specific t wave changes."),
}  # fmt: skip
SURE_INFARCT = ("    alter unbest.", " age undetermined.")
MACHINE_MARK = "   4.46                          unbestÄtigter bericht"


def write(scp_codes: dict[str, float], heart_axis: str | None, *, english: bool, machine: bool) -> str:
    """Write the report of a record: rhythm, axis, findings, and how sure the reader is of each.

    Args:
        scp_codes: Likelihood by statement.
        heart_axis: Electrical axis as in ptbxl_database.csv.
        english: English instead of German.
        machine: An unconfirmed machine report, which says so at its end.
    """
    language = int(english)
    words = [RHYTHM[code][language] for code in RHYTHM if code in scp_codes]
    if heart_axis and (axis := AXIS[heart_axis][language]):
        words.append(axis)
    words += [
        _hedge(code, FINDINGS[code][language], scp_codes[code], english=english)
        for code in FINDINGS
        if code in scp_codes
    ]
    if "NORM" in scp_codes:
        words.append(_normal(scp_codes["NORM"], english=english))
    text = " ".join(words) or ("trace only requested." if english else "ekg ohne befund")
    return text + MACHINE_MARK if machine and not english else text


def _normal(likelihood: float, *, english: bool) -> str:
    if likelihood == 100:
        return "normal ecg." if english else "normales ekg"
    if likelihood == 80:
        return "otherwise normal ecg." if english else "sonst normales ekg"
    return "no definite pathology." if english else "wahrscheinlich normales ekg"


def _hedge(code: str, phrase: str, likelihood: float, *, english: bool) -> str:
    infarct = code in ("IMI", "ASMI")
    if likelihood in (0, 100):
        return phrase + SURE_INFARCT[int(english)] if infarct else phrase
    if english:
        if likelihood == 15:
            return phrase.rstrip(".") + " cannot be excluded."
        return ("probable " if likelihood == 80 else "possible ") + phrase
    if likelihood == 15:
        return phrase + " nicht auszuschliessen"
    return phrase + (" wahrscheinlich" if likelihood == 80 else " mÖglich")
