"""python -m handbook: write the pages that come from the code, or check that they are in step with it."""

from __future__ import annotations

import argparse
import sys

from handbook import DOCS, pages


def main() -> int:
    """Write every page; with --check write none and end in 1 if one would change."""
    parser = argparse.ArgumentParser(prog="python -m handbook", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, name the pages that would change"
    )
    check = parser.parse_args().check
    stale = []
    for name, page in pages().items():
        path, text = DOCS / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    verb = "out of step" if check else "wrote"
    sys.stdout.write("".join(f"{verb}: docs/{name}\n" for name in stale) or "every page is in step\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
