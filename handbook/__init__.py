"""The pages of docs/reference and docs/cards that are written from the code itself.

`python -m handbook` writes them, `python -m handbook --check` says which are out of step. A page is a
function without arguments that returns Markdown; what it tells that code cannot know (what a column means,
the formula of a figure) stands beside it here, and a column without its words is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
Page = Callable[[], str]


def pages() -> Mapping[str, Page]:
    """Path below docs/ → what writes the page."""
    from handbook import (
        base_card,
        commands,
        errors,
        formats,
        metrics,
        params,
        policy,
        reader_card,
        stages,
        statements,
    )

    return {
        "reference/commands.md": commands.page,
        "reference/params.md": params.page,
        "reference/stages.md": stages.page,
        "reference/formats.md": formats.page,
        "reference/metrics.md": metrics.page,
        "reference/gate.md": policy.page,
        "reference/statements.md": statements.page,
        "reference/errors.md": errors.page,
        "cards/base.md": base_card.page,
        "cards/reader.md": reader_card.page,
    }
