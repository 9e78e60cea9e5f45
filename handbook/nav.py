"""Hooks of mkdocs: whole folders in the navigation, and notebooks as pages like any other.

An entry of `nav` that ends in `/*` stands for every page of that folder, by file name, so that a new
decision, guide or notebook is on the site without a line in mkdocs.yml.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File


def on_config(config: Any) -> Any:
    """Replace every `folder/*` by its pages."""
    config.nav = list(_expanded(config.nav, Path(config.docs_dir)))
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add a page for every notebook: its text, and its cells as code."""
    for path in sorted(Path(config.docs_dir).rglob("*.ipynb")):
        name = path.relative_to(config.docs_dir)
        files.append(File.generated(config, str(name.with_suffix(".md")), content=notebook_page(path)))
    return files


def notebook_page(path: Path) -> str:
    """The Markdown of a notebook that is kept without outputs."""
    cells = nbformat.read(path, as_version=4).cells
    texts = [
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```" for cell in cells
    ]
    about = f"*A notebook: [`{path.name}`]({path.name}) runs in Jupyter, on the folder of any run.*"
    return "\n\n".join([texts[0], about, *texts[1:]]) + "\n"


def _expanded(items: list[Any], docs: Path) -> Iterator[Any]:
    for item in items:
        if isinstance(item, dict):
            ((title, inner),) = item.items()
            yield {title: list(_expanded(inner, docs)) if isinstance(inner, list) else inner}
        elif item.endswith("/*"):
            for path in sorted((docs / item).parent.iterdir()):
                if path.suffix in (".md", ".ipynb"):
                    yield str(path.relative_to(docs).with_suffix(".md"))
        else:
            yield item
