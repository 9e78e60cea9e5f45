"""Take out of an image's environment what no step reads, then write the byte code of what is left.

Run once, at the end of a build, by the Python of the environment itself. A root file system that is read only
cannot keep byte code, so that without it every step would compile what it imports; unchecked byte code does
not depend on when a file was made.
"""

from __future__ import annotations

import compileall
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

TESTS = ("tests",)  # not `test` or `testing`: torch and numpy import those
WHOLE = ("torch/include", "torch/test", "torch/share", "pyarrow/include", "numpy/_core/include")
PROGRAMS = "torch/bin/*"
NEEDED = ("torch_shm_manager",)  # shares tensors between processes
SUFFIXES = (".a", ".c", ".cuh", ".cpp", ".h", ".hpp", ".pxd", ".pyi", ".pyx", ".map")


def main() -> None:
    """Slim the environment that runs this."""
    site = Path(sysconfig.get_path("purelib"))
    for path in list(unread(site)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    # Templates and old syntax inside packages do not compile and are never imported.
    compileall.compile_dir(
        site, quiet=2, workers=0, force=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


def unread(site: Path) -> Iterator[Path]:
    """Every folder and file under a site-packages folder that can go."""
    for name in WHOLE:
        if (site / name).is_dir():
            yield site / name
    yield from (path for path in site.glob(PROGRAMS) if path.name not in NEEDED)
    for path in site.rglob("*"):
        if (path.is_dir() and path.name in (*TESTS, "__pycache__")) or path.suffix in SUFFIXES:
            yield path


if __name__ == "__main__":
    main()
