"""Stage report: one HTML page that shows the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import Report


def report(inputs: Mapping[str, Path], output: Path, params: Report, work: Path) -> dict[str, Any]:
    """Write report.html.

    Args:
        inputs: "validation", "pages", "instructions", "baseline", "adapter", "evaluation", "verdict.json" and
            "registration.json".
        output: The file to write; it loads nothing from anywhere.
        params: The section: heading and number of example pages.
        work: Not used.

    Returns:
        Its size in bytes.
    """
    from twelvelead.reports.run import render

    html = render(inputs, params.title, params.example_pages).encode("utf-8")
    output.write_bytes(html)
    return {"bytes": len(html)}
