"""THE list of errands: steps that make no artifact of their own, but move some or tell of a run.

Like a stage, an errand is one function, one command and one KFP component of the same name; tests keep them
the same. DVC has no stage for them: it moves its data itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Errand:
    """One errand.

    Attributes:
        name: Of its function, its command and its component.
        output: The artifact of its component.
        effects: It acts on the world, so it is never cached.
        about: What it does.
    """

    name: str
    output: str
    effects: bool
    about: str


ERRANDS: tuple[Errand, ...] = (
    Errand("fetch", "artifact", False, "an artifact from a folder, S3, a DVC revision or a publication"),
    Errand("draw", "drawn", False, "a share of the pages, for synthesize to gather"),
    Errand("publish", "publication", True, "artifacts as a DVC version: pushed by content, pointers kept"),
    Errand("promote", "promotion", True, "the alias, moved to a version whose verdict holds here and now"),
    Errand("outcome", "outcome", True, "how the run ended, kept in MLflow"),
)
