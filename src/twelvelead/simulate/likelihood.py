"""How sure a reader was of a statement, and how strongly it therefore shows.

Shares counted on the 20,821 rows of PTB-XL's table in the development set.
"""

from __future__ import annotations

from twelvelead.ecg.statement import STATEMENTS

_TABLE = """\
100:100 | NDT CRBBB CLBBB INJIL 2AVB PSVT
100:94 50:6 | INJAL INJIN 3AVB
100:99 50:1 | 1AVB IVCD
100:70 50:3 0:27 | NST_
100:65 80:10 50:23 35:1 0:2 | DIG
100:94 80:2 50:4 | LNGQT
100:38 80:5 50:21 35:3 15:32 | IMI
100:65 80:3 50:18 35:1 15:13 | ASMI
100:50 80:4 50:27 35:9 15:9 | LVH
100:97 80:2 50:1 | LAFB
100:89 80:2 50:9 | ISC_
100:96 80:3 50:1 | IRBBB
100:81 50:19 | ISCAL
100:70 80:2 50:15 35:2 15:11 | ILMI
100:74 80:2 50:22 35:2 | LAO/LAE
100:33 80:2 50:25 35:2 15:38 | AMI
100:70 80:2 50:14 35:2 15:12 | ALMI
100:74 80:5 50:20 15:2 | ISCIN
100:91 50:8 15:1 | INJAS
100:28 50:33 35:2 15:38 | LMI
100:70 50:30 | ISCIL
100:98 50:2 | LPFB
100:91 80:2 50:8 | ISCAS
100:85 80:1 50:14 | ISCLA
100:45 80:1 50:45 35:4 15:6 | RVH
100:13 50:85 35:2 | ANEUR
100:82 80:1 50:16 35:1 | RAO/RAE
100:13 80:2 50:84 | EL
100:90 50:10 | WPW
100:97 50:2 15:1 | ILBBB
100:60 50:30 15:10 | IPLMI
100:88 50:12 | ISCAN
100:85 80:3 50:12 | IPMI
100:59 80:3 50:38 | SEHYP
100:81 50:12 15:6 | INJLA
100:25 50:56 15:19 | PMI
100:90 0:10 | PVC
100:9 0:91 | PAC
100:3 0:97 | AFIB
100:98 0:2 | PACE
100:28 0:72 | BIGU
100:78 0:22 | AFLT
100:86 80:11 50:3 | NORM
"""

Shares = dict[float, float]


def _parse(line: str) -> tuple[list[str], Shares]:
    shares, codes = line.split(" | ")
    pairs = (pair.split(":") for pair in shares.split())
    return codes.split(), {float(likelihood): float(share) / 100 for likelihood, share in pairs}


LIKELIHOODS: dict[str, Shares] = {code: {0.0: 1.0} for code in STATEMENTS} | {
    code: shares for codes, shares in map(_parse, _TABLE.splitlines()) for code in codes
}
"""Share of each written likelihood (percent); 0, not stated, where the table has no row."""

OTHERWISE_NORMAL: Shares = {100.0: 0.40, 80.0: 0.44, 50.0: 0.16}
"""The same for a normal ECG beside which more is written than sinus rhythm."""

SEVERITY: dict[float, tuple[float, float]] = {
    100.0: (0.8, 1.3),
    80.0: (0.65, 0.95),
    50.0: (0.45, 0.80),
    35.0: (0.35, 0.65),
    15.0: (0.15, 0.50),
    0.0: (0.6, 1.2),
}
"""Range of a finding's severity by likelihood; 1 is textbook."""
SURE_FROM = 80.0  # percent; form and rhythm statements, written as 0, are sure as well
