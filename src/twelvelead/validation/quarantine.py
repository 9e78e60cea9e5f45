"""Why a record may not be used: thresholds on its facts, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from twelvelead.data.shard import write_parquet
from twelvelead.params import Validate

FILE = "quarantine.parquet"
SCHEMA = pa.schema([("record_id", pa.string()), ("reasons", pa.list_(pa.string()))])


def reasons(facts: Mapping[str, float], unreadable: str, limits: Validate) -> list[str]:
    """All reasons against a record; none if it is usable.

    Args:
        facts: Its facts.
        unreadable: Why it could not be read, or "".
        limits: The thresholds.
    """
    if unreadable:
        return [f"unreadable: {unreadable}"]
    largest = max(abs(facts["min_mv"]), abs(facts["max_mv"]))
    residual, limb = facts["einthoven_mv"], limits.max_einthoven_mv
    faults = [
        (facts["duration_s"] < limits.min_duration_s,
         f"{facts['duration_s']:.2f} s long; at least {limits.min_duration_s:g} s are needed"),
        (largest > limits.max_abs_mv,
         f"{largest:.1f} mV; more than {limits.max_abs_mv:g} mV is not believable"),
        (facts["nan_share"] > limits.max_nan_share,
         f"{facts['nan_share']:.1%} of the samples are missing; at most {limits.max_nan_share:.1%} may be"),
        (facts["flat_leads"] > limits.max_flat_leads,
         f"{facts['flat_leads']:.0f} leads without signal; at most {limits.max_flat_leads} may be flat"),
        (residual > limb,
         f"|II - I - III| is {residual:.3f} mV in the median; right limb leads keep it within {limb:g} mV"),
    ]  # fmt: skip
    return [reason for failed, reason in faults if failed]


def write_quarantine(rows: Sequence[tuple[str, list[str]]], path: Path) -> None:
    """Write record ids and their reasons."""
    table = pa.Table.from_pylist([{"record_id": name, "reasons": why} for name, why in rows], schema=SCHEMA)
    write_parquet(table, path)
