"""Sections of a report: their heads, which statements belong where, and how a report is asked for."""

from __future__ import annotations

from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.grammar import Grammar, sentence

Names = tuple[str, ...]

ECTOPY = ("PVC", "PAC", "PRC(S)")
CONDUCTION = (
    "1AVB",
    "2AVB",
    "3AVB",
    "LPR",
    "LAFB",
    "LPFB",
    "IRBBB",
    "CRBBB",
    "ILBBB",
    "CLBBB",
    "IVCD",
    "WPW",
)
TERRITORIES: dict[str, tuple[tuple[str, ...], str]] = {
    "anteroseptal": (("ASMI", "ISCAS", "INJAS"), "V1 to V4"),
    "anterior": (("AMI", "ISCAN"), "V2 to V4"),
    "anterolateral": (("ALMI", "ISCAL", "INJAL"), "I, aVL, V3 to V6"),
    "lateral": (("LMI", "ISCLA", "INJLA"), "I, aVL, V5, V6"),
    "inferior": (("IMI", "ISCIN", "INJIN"), "II, III, aVF"),
    "inferolateral": (("ILMI", "ISCIL", "INJIL"), "II, III, aVF, V5, V6"),
    "inferoposterior": (("IPMI",), "II, III, aVF, V1, V2"),
    "inferoposterolateral": (("IPLMI",), "II, III, aVF, V1, V2, V5, V6"),
    "posterior": (("PMI",), "V1, V2"),
}
"""Statements of each territory and the leads that face it, or mirror it: Wagner GS et al. 2009, AHA/ACCF/HRS
part VI, doi:10.1016/j.jacc.2008.12.016; Thygesen et al. 2018, doi:10.1161/CIR.0000000000000617."""
QRS = ("ABQRS", "QWAVE", "LVOLT", "HVOLT", "VCLVH")
CHAMBERS = ("LVH", "RVH", "SEHYP", "LAO/LAE", "RAO/RAE")
REPOLARIZATION = (
    "STD_",
    "STE_",
    "NST_",
    "NDT",
    "NT_",
    "TAB_",
    "LOWT",
    "INVT",
    "ISC_",
    "DIG",
    "LNGQT",
    "ANEUR",
    "EL",
)

# How each section may be headed.
HEADS: dict[str, Names] = {
    "rhythm": ("Rhythm", "Rate and rhythm", "Rhythm and rate"),
    "intervals": ("Intervals", "Time intervals", "Measurements"),
    "axis": ("Axis", "Frontal axis", "Electrical axis"),
    "conduction": ("Conduction", "Conduction findings", "AV and ventricular conduction"),
    "qrs": ("QRS and voltage", "QRS complexes", "QRS morphology"),
    "chambers": ("Chambers", "Atria and ventricles", "Chamber size"),
    "repolarization": ("ST-T", "ST segment and T wave", "Repolarization"),
    "impression": ("Impression", "Conclusion", "Summary", "Interpretation"),
}
for _site, (_, _leads) in TERRITORIES.items():
    HEADS[_site] = tuple(
        sentence(f"{_site} {word}")
        for word in (f"territory ({_leads})", f"leads ({_leads})", "leads", "wall")
    )
REPORTS = Grammar(
    {
        "": [
            "{opening}[write|give|dictate|compose] [a|the] [structured |full |complete |]report of {ecg}.",
            "{opening}[report|interpret|describe] {ecg}[ in full| completely| section by section|].",
            "{opening}[what would|how would] [a|your] report of {ecg} [read|look]?",
            "[read|look at|study] {ecg} and [write|give|dictate] [a|the] report.",
            "{opening}[can|could|would] you [report|interpret|write up] {ecg}?",
            "[a|one] [structured |full |]report[, please|]: {ecg}.",
            "{opening}from rhythm to impression: [report|describe] {ecg}.",
            "{opening}[take|bring] the findings of {ecg} [together in a|into a] [structured |]report.",
            "{patient}[report|interpret|describe|write a report of] {ecg}.",
            "{patient}what does {ecg} [show|tell]? [write|give] a [structured |full |]report.",
        ],
        "impression": [
            "{opening}[write|give|state|dictate] the [impression|conclusion] [of|for] {ecg}[ only| alone|].",
            "{opening}what is [the|your] [impression|conclusion] [of|from|for] {ecg}?",
            "{opening}[sum up|summarize|conclude] {ecg} in [one line|a single line].",
            "{patient}what is [the|your] [impression|conclusion]?",
            "{patient}give the [impression|conclusion][|, please].",
        ],
    },
    ASKING,
)
"""Questions for a full report and for its impression."""
