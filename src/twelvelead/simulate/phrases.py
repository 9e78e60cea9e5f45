"""The words of reports: what readers and devices of PTB-XL say for each statement, in German and English.

Phrases are those of the data set, with its spelling (umlauts in upper case); variants are separated by " / ".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """How a statement is said when it is sure; variants are equally common."""

    german: tuple[str, ...]
    english: tuple[str, ...]

    def variants(self, *, english: bool) -> tuple[str, ...]:
        """The variants in one language."""
        return self.english if english else self.german


# code | German | English, in the order in which a report goes through the ECG
_TABLE = """\
PVC | ventrikulÄre extrasystole(n) | premature ventricular contraction(s).
PAC | supraventrikulÄre extrasystole(n) | premature atrial contraction(s).
PRC(S) | gehÄufte extrasystolen | frequent premature complex(es).
BIGU | bigeminus | bigeminy.
TRIGU | trigeminus | trigeminy.
SR | sinusrhythmus | sinus rhythm.
STACH | sinustachykardie | sinus tachycardia.
SBRAD | sinusbradykardie | sinus bradycardia. / sinus bradycardia. the cause of the bradycardia is not evident.
SARRH | sinus arrhythmie | sinus arrhythmia.
AFIB | vorhofflimmern / vorhofflimmern/-flattern | atrial fibrillation. / atrial fibrillation with rapid ventricular response. / atrial fibrillation with controlled ventricular response.
AFLT | vorhofflattern / vorhofflattern mit wechselnder Überleitung | rhythm is atrial flutter with 2:1 av block. / rhythm is atrial flutter with variable av block.
SVARR | supraventrikulÄre arrhythmie | an irregular supraventricular rhythm is present.
SVTAC | supraventrikulÄre tachykardie | rapid, regular supraventricular tachycardia.
PSVT | paroxysmale supraventrikulÄre tachykardie | paroxysmal supraventricular tachycardia.
PACE | schrittmacher ekg / pacemaker ekg | pacemaker spikes noted. a regular paced rhythm is present. apparently normal pacemaker function.
1AVB | a-v block i | first degree a-v block.
2AVB | av-block ii. grades | there is second degree av block.
3AVB | av-block iii. grades | complete av block.
LPR | pq-zeit verlÄngert | prolonged pr interval.
WPW | mÖglicherweise wpw typ b / wpw, typ a | pr interval is short and delta waves are present. these features indicate the wolff-parkinson-white syndrome.
LAO/LAE | verdacht auf p-sinistrocardiale / p-sinistrocardiale | left atrial enlargement.
RAO/RAE | p-dextrocardiale | right atrial enlargement.
LVOLT | periphere niederspannung | low limb lead voltage.
HVOLT | hohe amplituden | voltages in chest leads are at upper limit. / voltages in limb leads are at upper limit.
LAFB | linksanteriorer hemiblock | left anterior fascicular block.
LPFB | linksposteriorer hemiblock | left posterior fascicular block.
CLBBB | linksschenkelblock | left bundle branch block. / left bundle branch block, this is most commonly due to    ischaemic heart disease.
ILBBB | unvollstÄndiger linksschenkelblock | incomplete left bundle branch block.
CRBBB | rechtsschenkelblock | right bundle branch block.
IRBBB | unvollstÄndiger rechtsschenkelblock | incomplete right bundle branch block.
IVCD | unspezifische intraventrikulÄre leitungsstÖrung / unspezifischer intraventrikulÄrer block | non-specific intraventricular delay.
LVH | linkshypertrophie | left ventricular hypertrophy.
VCLVH | mÄssige amplitudenkriterien fÜr linkshypertrophie | voltages are high in chest leads suggesting lvh. / voltages are high in limb leads suggesting lvh.
RVH | rechtshypertrophie | right ventricular hypertrophy.
SEHYP | septumhypertrophie | deep but narrow q waves in {lateral} may indicate septal hypertrophy.
ABQRS | qrs(t) abnormal | abnormal qrs complexes.
QWAVE | q in {inferior} | q waves in {inferior}.
ANEUR | st-hebung in {anterior} (dd: aneurysma) | persistent st segment elevation may indicate a ventricular aneurysm.
INJAS | anteroseptaler innenschichtschaden | st segments are depressed in v1-4. anteroseptal subendocardial injury.
INJAL | anterolateraler innenschichtschaden | st segments are depressed in {lateral}. anterolateral subendocardial injury.
INJLA | lateraler innenschichtschaden | st segments are depressed in {lateral}. lateral subendocardial injury.
INJIN | inferiorer innenschichtschaden | st segments are depressed in {inferior}. inferior subendocardial injury.
INJIL | inferolateraler innenschichtschaden | st segments are depressed in {inferior}, v5,6. inferolateral subendocardial injury.
ISC_ | st & t abnormal, wahrscheinlich    ischÄmie oder linksbelastung | st segments are depressed and t waves inverted in {lateral}. this may be due to lv strain or ischaemia.
ISCAL | st & t abnormal, wahrscheinlich    anterolaterale ischÄmie oder linksbelastung | st-t changes in {lateral} consistent with anterolateral ischaemia.
ISCAS | st & t abnormal, wahrscheinlich    anteroseptale ischÄmie | t waves are inverted in v1-4 consistent with anteroseptal ischaemia.
ISCAN | st & t abnormal, wahrscheinlich    anteriore ischÄmie | t waves are inverted in {anterior} consistent with anterior ischaemia.
ISCIN | st & t abnormal, wahrscheinlich    inferiore ischÄmie oder linksbelastung | t waves are inverted in {inferior} consistent with inferior ischaemia.
ISCIL | st & t abnormal, wahrscheinlich    inferolaterale ischÄmie oder linksbelastung | t waves are inverted in {inferior}, v5,6 consistent with inferolateral ischaemia.
ISCLA | st & t abnormal, wahrscheinlich    hochlaterale ischÄmie oder linksbelastung | t waves are inverted in i, avl, v5,6 consistent with lateral ischaemia.
STD_ | st-senkung in {lateral} | st segments are depressed in {lateral}. / minor non-specific st segment depression in {lateral}.
STE_ | st-hebung in {anterior} | st segments are elevated in {anterior}.
NST_ | unspezifische abnormale st-senkung / unspezifische repolarisationsstÖrung | minor non-specific st-t wave changes. / non-specific st segment changes.
NDT | unspezifisches abnormales t | non-specific t wave changes in {lateral}.
NT_ | t flach in {lateral} | non-specific t wave flattening in {lateral}.
LOWT | niedrige t-wellen | t waves are low or flat in {lateral}. / t waves are low or flat throughout.
INVT | t negativ in {lateral} | t waves are inverted in {lateral}. / t waves are inverted in {anterior}.
TAB_ | t-verÄnderungen | t wave changes.
DIG | digitalisverÄnderung | digitalis effect. / non specific st-t abnormality: digoxin effect is   a likely cause.
EL | elektrolytstÖrung | this may be due to a drug effect or an    electrolyte disturbance.
LNGQT | qt-verlÄngerung | prolonged qt.
"""  # noqa: E501 one row a line


def _parse(line: str) -> tuple[str, Phrase]:
    code, german, english = line.split(" | ")
    return code, Phrase(tuple(german.split(" / ")), tuple(english.split(" / ")))


PHRASES: dict[str, Phrase] = dict(map(_parse, _TABLE.splitlines()))
"""Every statement except NORM and the infarcts, in the order of a report."""

LEAD_LISTS = {
    "lateral": ("i, ii, avl, v5,6", "i, avl, v4,5,6", "i, avl, v5,6", "v4,5,6", "v5,6"),
    "inferior": ("ii, iii, avf", "iii, avf"),
    "anterior": ("v2,3,4", "v2,3", "v3,4", "v2-5"),
}
WALLS = {
    "IMI": ("inferior", "inferior"),
    "ASMI": ("anteroseptal", "anteroseptal"),
    "AMI": ("anterior", "anterior"),
    "ALMI": ("anterolateral", "anterolateral"),
    "LMI": ("lateral", "lateral"),
    "ILMI": ("inferolateral", "inferolateral"),
    "IPMI": ("inferoposterior", "infero-posterior"),
    "IPLMI": ("inferoposterolateral", "infero-postero-lateral"),
    "PMI": ("posterior", "true posterior"),
}
"""Infarct → its wall in German (without ending) and in English."""
Q_SEEN = {
    "IMI": "q waves in ii, iii, avf",
    "ASMI": "qs complexes in v2",
    "AMI": "q waves in v3,4",
    "ALMI": "q waves in i, avl, v4,5",
    "LMI": "q waves in i, avl",
}
AXIS = {
    "MID": ("lagetyp normal", ""),
    "LAD": ("linkstyp", "left axis deviation."),
    "ALAD": ("ueberdrehter linkstyp", "left axis deviation."),
    "AXL": ("ueberdrehter linkstyp", "left axis deviation."),
    "RAD": ("rechtstyp", "rightward axis."),
    "AXR": ("rechtstyp", "right axis deviation."),
    "ARAD": ("ueberdrehter rechtstyp", "right axis deviation."),
}
NORMAL = {
    100.0: ("normales ekg", "normal ecg."),
    80.0: ("sonst normales ekg", "otherwise normal ecg."),
    50.0: ("wahrscheinlich normales ekg", "no definite pathology."),
}
NOTHING_SAID = ("ekg ohne befund", "trace only requested.")
MACHINE_MARK = " 4.46                          unbestÄtigter bericht"
