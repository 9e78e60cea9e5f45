"""The stages as Kubeflow components: one folder each, bodies that only call the installed package.

A component's body is cut out of its file and runs alone, so everything it needs is imported inside it.
"""

from __future__ import annotations

import os

# The local runner warns of images without "python" in their name; a cluster overrides the whole name.
IMAGE = os.environ.get("TWELVELEAD_IMAGE", "twelvelead-python-steps:dev")


def identifier(artifact: str) -> str:
    """An artifact's name as a component argument: verdict.json is `verdict`."""
    return artifact.partition(".")[0]
