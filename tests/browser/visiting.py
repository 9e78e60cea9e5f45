"""What a visitor does to the page, for every test."""

from __future__ import annotations

from typing import Any


def put(page: Any, *files: tuple[str, str, bytes]) -> None:
    """Choose files: name, MIME type, bytes."""
    page.set_input_files(
        "#files", [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    )
