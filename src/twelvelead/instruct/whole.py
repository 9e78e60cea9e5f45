"""Output folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twelvelead.errors import ParamsError


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `to` when the block ends well and is removed when it does not.

    Raises:
        ParamsError: `to` exists: it may be anything, so it is never replaced.
    """
    if to.exists():
        raise ParamsError("there is something already", where=str(to), fix="name a new folder, or remove it")
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".tmp-{os.getpid()}-{to.name}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
        os.sync()
        aside.rename(to)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
