"""A hook of mkdocs: an entry of `nav` that ends in `/*` stands for every page of that folder, by file name.

So a new decision, guide or notebook is on the site without a line in mkdocs.yml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Replace every `folder/*` by its pages."""
    config.nav = [_expanded(item, Path(config.docs_dir)) for item in config.nav]
    return config


def _expanded(item: Any, docs: Path) -> Any:
    if isinstance(item, dict):
        return {title: _expanded(inner, docs) for title, inner in item.items()}
    if isinstance(item, list):
        pages: list[Any] = []
        for inner in item:
            found = _expanded(inner, docs)
            pages += found if isinstance(found, list) else [found]
        return pages
    if item.endswith("/*"):
        folder = docs / item.removesuffix("/*")
        return [str(path.relative_to(docs)) for path in sorted(folder.glob("*.md"))]
    return item
