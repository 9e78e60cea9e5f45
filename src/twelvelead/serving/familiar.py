"""What a reader has never seen: a picture is read all the same, but people are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ALONE = (
    "the signal CNN that this reader was judged against did not come with it, so there is no second opinion; "
    "a version registered anew, or a run's folder, brings it"
)
RECORDS = ("wfdb", "dicom")  # drawn here, as the reader knows pages


def unfamiliar(page: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """A warning if the reader learnt from one look alone and somebody else's picture is shown.

    On other layouts than its own the default adapter falls from .88 to .70 and below, on real photographs to
    chance (README, Evidence).

    Args:
        page: The params of synthesize that it was trained on; empty where nobody knows.
        kind: What was sent.
    """
    if kind in RECORDS or not page or page.get("look") == "varied":
        return ()
    looks = [str(page.get("layout", "one"))]
    looks += [str(page["degradation"])] if page.get("degradation", "clean") != "clean" else ["clean"]
    return (
        f"this reader learnt from {' '.join(reversed(looks))} pages alone: what it says of another layout, "
        "print or photograph is worth little",
    )
