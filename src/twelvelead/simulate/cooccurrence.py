"""Which statements go together: who writes them, what stands beside them, what never does.

Counted on the 20,821 rows of PTB-XL's table in the development set (Wagner 2020,
doi:10.1038/s41597-020-0495-6; CC BY 4.0). Pairs are listed where a model without them misses the real count
by more than 3.7 standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass

from twelvelead.ecg.statement import STATEMENTS

PTBXL_RECORDS = 21837  # of the published counts
READERS = {"machine": 0.265, "0": 0.145, "1": 0.288, "2": 0.234, "other": 0.068}
"""Share of records by who read them: site 0's machine, unconfirmed, or somebody at site 0, 1, 2 or elsewhere.

The strongest hidden structure of PTB-XL: each reader has words of their own.
"""

RHYTHM_CODES = tuple(code for code, statement in STATEMENTS.items() if statement.rhythm)
UNSTATED = "-"  # a sinus rhythm that nobody wrote down
NOTHING = "*"  # nothing but a rhythm so far
SINUS_VARIANTS = ("STACH", "SARRH", "SBRAD", UNSTATED)
MECHANISMS: dict[tuple[str, ...], int] = {
    ("AFIB",): 1496, ("AFIB", "AFLT"): 18, ("AFLT",): 45, ("AFLT", "SR"): 5, ("SVTAC", "AFLT"): 5,
    ("PACE",): 296, ("SVARR",): 157, ("SVTAC",): 12, ("SVTAC", "PSVT"): 10, ("PSVT",): 14,
}  # fmt: skip
"""Rhythms other than sinus, as they are written, of PTBXL_RECORDS; the first decides who wrote it."""
PACED_ALONE = 0.90  # share of paced records that carry nothing else
FEW = frozenset({"AFLT", "SVTAC", "PSVT", "2AVB"})  # carry at most MOST_BESIDE_FEW further statements
MOST_BESIDE_FEW = 2

_TABLE = """\
AFIB    | .344 .062 .282 .251 .061 |
AFLT    | .265 .162 .294 .176 .103 |
PACE    | .669 .010 .134 .110 .076 |
SVARR   | .764 .068 0 .169 0       |
SVTAC   | 0 0 .833 .042 .125       |
PSVT    | .217 .130 .435 .174 .043 |
NORM    | .176 .241 .304 .220 .059 | AFIB .004 AFLT 0 SVARR .004
ABQRS   | .551 .133 0 .316 0       | NORM .068 * .932 AFIB .092
IMI     | .405 .072 .215 .254 .053 | * .446
ASMI    | .314 .072 .265 .266 .083 | * .397 IMI .249 AFIB .156
LVH     | .327 .060 .363 .153 .098 | * .694
LAFB    | .230 .077 .340 .258 .094 | NORM .012 * .495 ASMI .319 AFIB .079 LVH .078 IMI .117
ISC_    | .354 .064 .344 .139 .100 | * .073 LVH .920 AFIB .202 ASMI .191 IMI .172
IRBBB   | .184 .193 .315 .249 .060 | NORM .231 * .422 LVH .057
CRBBB   | .305 .041 .327 .256 .070 | * .346 LAFB .294 ASMI .352 LVH .008
CLBBB   | .451 .020 .257 .198 .073 | * .885
ILMI    | .487 .060 .177 .205 .071 | * .184 ABQRS .600 LVH .026
ALMI    | .452 .046 .219 .230 .053 | * .131 ASMI .587 LVH .018 IMI .092
AMI     | .233 .146 .268 .294 .058 | * .245 ABQRS .446
LMI     | .244 .066 .162 .411 .117 | * .137 IMI .015 ABQRS .569 LVH .051
PMI     | .188 .062 .250 .375 .125 | * .500
IPMI    | .242 .061 .152 .424 .121 | * .515
IPLMI   | .340 .060 .240 .280 .080 | * .400 ABQRS .480
ANEUR   | .223 .078 .340 .291 .068 | * 0 ASMI .854 AMI .078 ALMI .165 CLBBB .068
1AVB    | .288 .052 .202 .382 .076 | NORM .050 * .218 CLBBB .120 CRBBB .088 ASMI .261 ALMI .048
LPR     | 0 0 .873 0 .127          | NORM .236 * .048 1AVB .358
WPW     | .628 .103 .090 .115 .064 | * .462 ABQRS .526 IMI .026 ASMI .026
RVH     | .400 .067 .292 .200 .042 | * .050 CRBBB .400 IRBBB .458 ASMI .033
LPFB    | .291 .109 .230 .303 .067 | NORM .042 * .085 CRBBB .485 IRBBB .206 RVH .164 LMI .085
SEHYP   | .103 .138 .552 .103 .103 | * .138 LVH .655
ILBBB   | .338 .085 .254 .282 .042 | * .183 ISC_ .310
3AVB    | .125 .125 .312 .375 .062 | * .125
2AVB    | .214 .071 .429 .286 0    | NORM .071 * .357
NDT     | .259 .067 .377 .230 .067 | * .730 ASMI .015 LPR .020 ABQRS .046 AFLT 0 AFIB .112 ILMI .003
STD_    | 0 0 .881 .027 .091       | NORM .057 * .135 ISC_ .328 AFIB .209 CLBBB 0 CRBBB .006 IRBBB .029
VCLVH   | .253 .077 .516 .091 .064 | NORM .125 * .013 LVH .751 ISC_ .216 IMI .066 CLBBB 0
IVCD    | .243 .078 .285 .313 .082 | NORM .136 * .168 LAFB .039 1AVB .089 IRBBB .017 NDT .071 VCLVH .028
NST_    | .144 .044 .412 .284 .116 | NORM .041 * .504 AFIB .292 NDT .034
ISCAL   | .350 .070 .232 .262 .086 | * .337 STD_ .131 ISC_ 0 NST_ .013 AFIB .219 CLBBB .002 CRBBB .005
         ILMI .008 ALMI 0 IRBBB .026 LVH .046
QWAVE   | 0 0 .756 .163 .081       | NORM .098 * .002 IMI .488 ILMI .062 SEHYP .021 IPMI .011 ASMI .299
         LMI .021 ALMI .038
LOWT    | 0 0 .926 0 .074          | NORM .012 * .017 STD_ .583 NDT .376 AFIB .248
NT_     | 0 0 .900 0 .100          | NORM .200 * .022 NDT .499 STD_ .015 LOWT 0
LAO/LAE | .307 .065 .375 .188 .065 | NORM .007 * .068 1AVB .230 CLBBB .125 IVCD .113 LVH .240
INVT    | 0 0 .928 0 .072          | NORM .018 * .054 STD_ .527 ALMI .069 ISC_ .336 ISCAL .123 LOWT .065
         ILMI .047 NST_ .004
ISCIN   | .445 .071 .209 .194 .081 | * .308 ISCAL .308 IMI .019 LPFB .033
INJAS   | .287 .048 .287 .220 .158 | * .211 INVT .144 ISCAL .148 ASMI .043 NDT .010
DIG     | 0 .020 .688 .168 .121    | * .075 AFIB .630 STD_ .653 1AVB .081 ISC_ .428 ASMI .110
ISCIL   | .306 .041 .165 .382 .106 | * .259 ISCAL .241 IMI .018 NDT 0
LVOLT   | 0 0 .456 .450 .083       | NORM .432 * .024
ISCAS   | .335 .056 .273 .248 .087 | * .193 ISCAL .304 INVT .112 ASMI 0 ISCIL .081 NDT 0 LVH .019
INJAL   | .307 .150 .300 .157 .086 | * .036 INJAS .421 INVT .171 ISCAL 0 ISC_ .014 NDT 0
ISCLA   | .409 .095 .204 .226 .066 | * .080 ISCAS .088 IMI .453 ISCIN .080
LNGQT   | .357 .062 .295 .232 .054 | * .420 AFIB 0 LOWT .080
RAO/RAE | .219 .062 .312 .323 .083 | NORM .010 * .177 RVH .167 LAO/LAE .156 ISCIL .062
EL      | 0 0 .932 .023 .045       | * .125 LNGQT .227 NDT .307
HVOLT   | 0 .034 .847 .017 .102    | NORM .610 * 0 LVH .288
ISCAN   | .262 .071 .095 .405 .167 | * .024
TAB_    | 0 0 0 1.0 0              | NORM .394 * 0 STD_ .212 IVCD .455
STE_    | 0 0 0 1.0 0              | NORM .481 * 0
INJIN   | .333 .167 .056 .222 .222 | * .056 INJAL .667
INJLA   | .250 .062 .312 .188 .188 | * 0 INJAS .375
INJIL   | .067 .267 .200 .333 .133 | * 0 INJAS .400
PVC     | .341 .060 .312 .216 .070 | NORM .169 * .012 AFIB .177 1AVB .074
PAC     | 0 .017 .858 .029 .092    | NORM .319 * 0 PVC .148 AFIB .005
PRC(S)  | 0 0 .889 0 .111          | NORM .111 * .111
STACH   | .173 .061 .330 .391 .045 | NORM .282 * .005 RAO/RAE .040 PVC .114 NST_ .072 PAC .051
SARRH   | .286 .267 .196 .224 .027 | NORM .551 * 0 PVC .158
SBRAD   | .210 .104 .194 .450 .041 | NORM .551 * 0 PVC .007
-       | .139 .053 .437 .167 .204 | NORM .286 * 0 3AVB .013 PVC .130 STD_ .007 2AVB .009 NT_ .001
         QWAVE .009 VCLVH .011 LPR .004 PAC .007 1AVB .073
BIGU    | .163 .037 .375 .338 .087 | NORM .163 * 0 PVC .487 PAC .263
TRIGU   | .053 0 .474 .421 .053    | NORM .316 * 0 PVC .368
"""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a statement is used.

    Attributes:
        readers: Share of its records by reader, in the order of READERS.
        companions: Share of its records that carry another statement, of those drawn before it, or NOTHING
            of them; 0 means never.
    """

    readers: tuple[float, ...]
    companions: dict[str, float]


def _parse(table: str) -> dict[str, Habit]:
    habits = {}
    for line in table.replace("\n ", " ").splitlines():
        code, readers, companions = (part.split() for part in line.split("|"))
        share = [float(number) for number in readers]
        habits[code[0]] = Habit(
            tuple(number / sum(share) for number in share),
            dict(zip(companions[::2], map(float, companions[1::2]), strict=True)),
        )
    return habits


HABITS: dict[str, Habit] = _parse(_TABLE)
"""Statement → habit, in the order in which statements are drawn; SR is what is left over."""
LASTING = tuple(HABITS)[: list(HABITS).index("NDT")]
"""What a patient still has at the next visit; what is drawn after them comes and goes."""

_INFARCTS = "IMI ASMI ILMI AMI ALMI LMI PMI IPMI IPLMI"
_NOT_NORMAL = (
    f"{_INFARCTS} ANEUR INJAS INJAL INJLA INJIN INJIL ISC_ ISCAL ISCAS ISCAN ISCIN ISCIL ISCLA "
    "LVH RVH SEHYP NDT CLBBB ILBBB CRBBB WPW 3AVB DIG EL LNGQT"
)
_NEVER_BESIDE = {
    "NORM": _NOT_NORMAL,
    "CLBBB": "LAFB LPFB NDT CRBBB IRBBB ILBBB IVCD WPW",
    "CRBBB": "IRBBB ILBBB IVCD WPW",
    "NDT": "ISC_ ISCAL CRBBB",
    "LAFB": "LPFB",
    "LVOLT": "HVOLT VCLVH",
    "ABQRS": "STD_ LOWT INVT NT_ QWAVE LPR",  # a machine's word, and a site's
    "AFIB": "1AVB LPR 2AVB LAO/LAE RAO/RAE",  # need a P wave
}
_TERRITORIES = ("IMI ILMI IPMI IPLMI", "LMI ALMI ILMI IPLMI", "ASMI AMI", "AMI ALMI", "PMI IPMI IPLMI")
_RHYTHM_PAIRS = (
    "SR BIGU", "SR TRIGU", "SR AFLT", "AFIB BIGU", "AFIB AFLT", "STACH BIGU", "STACH TRIGU",
    "SARRH BIGU", "SBRAD BIGU", "SVTAC PSVT", "SVTAC AFLT",
)  # fmt: skip

EXCLUDED: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        *((code, other) for code, others in _NEVER_BESIDE.items() for other in others.split()),
        *((a, b) for wall in _TERRITORIES for a in wall.split() for b in wall.split() if a < b),
        *((a, b) for a in RHYTHM_CODES for b in RHYTHM_CODES if a < b),
    )
) - {frozenset(pair.split()) for pair in _RHYTHM_PAIRS}
"""Pairs that never share a record: not one in PTB-XL where more than 8 were expected, or by definition."""

PARTNERS: dict[str, frozenset[str]] = {
    code: frozenset(other for pair in EXCLUDED if code in pair for other in pair - {code})
    for code in STATEMENTS
}
"""Statement → those that exclude it."""


def allowed(codes: frozenset[str]) -> bool:
    """Whether no two of the codes exclude each other."""
    return not any(PARTNERS[code] & codes for code in codes)
