"""The site builds strictly, and what it is made of lies in it: a reader without network misses nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow
LOADS = {
    "script": ("src",), "img": ("src", "srcset"), "iframe": ("src",), "source": ("src", "srcset"),
    "link": ("href",), "video": ("src", "poster"), "audio": ("src",), "object": ("data",), "embed": ("src",),
    "use": ("href", "xlink:href"), "image": ("href", "xlink:href"),
}  # fmt: skip
STYLE_LOADS = re.compile(r"@import\s+(?:url\()?[\"']?([^\"';)]+)|url\(\s*[\"']?([^\"')]+)", re.IGNORECASE)


class Assets(HTMLParser):
    """Everything that a browser would fetch to show a page, and the places it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name == "style" and value:
                self.loads += urls(value)
            elif tag == "a" and name == "href" and value:
                self.links.append(value)
            elif name in LOADS.get(tag, ()) and value:
                self.loads += [part.split()[0] for part in value.split(",")] if name == "srcset" else [value]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += urls(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def urls(style: str) -> list[str]:
    return [imported or named for imported, named in STYLE_LOADS.findall(style)]


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Assets]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path] = Assets()
        found[path].feed(path.read_text(encoding="utf-8"))
    return found


def test_no_page_and_no_style_fetches_anything_from_elsewhere(site: Path, pages: dict[Path, Assets]) -> None:
    assert len(pages) > 30
    wanted = {path: assets.loads for path, assets in pages.items()}
    wanted |= {path: urls(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")}
    assert sum(map(len, wanted.values())) > 100
    for path, loads in wanted.items():
        for load in loads:
            assert urlsplit(load).scheme in ("", "data"), f"{path.relative_to(site)} loads {load[:100]}"
            assert not load.startswith("//"), f"{path.relative_to(site)} loads {load[:100]}"


def test_what_a_page_loads_and_links_to_is_there(site: Path, pages: dict[Path, Assets]) -> None:
    for path, assets in pages.items():
        if path.name == "404.html":
            continue  # it is shown at any address, so its paths are absolute
        for target in (*assets.loads, *assets.links):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            place = (path.parent / unquote(parts.path)).resolve()
            assert place.exists(), f"{path.relative_to(site)} → {target}"
            if parts.fragment and place in pages:
                assert unquote(parts.fragment) in pages[place].ids, f"{path.relative_to(site)} → {target}"


def test_every_page_of_the_docs_is_on_the_site(site: Path, root: Path) -> None:
    for path in (root / "docs").rglob("*.md"):
        assert (site / path.relative_to(root / "docs").with_suffix(".html")).is_file(), path
    for path in (root / "docs/notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / f"{path.stem}.html").is_file(), path


def test_pages_name_no_path_of_a_machine(root: Path) -> None:
    for path in (root / "docs").rglob("*"):
        if path.suffix in (".md", ".ipynb", ".sh"):
            assert not re.search(r"(?<!\w)/(?:root|home|work)/\w", path.read_text(encoding="utf-8")), path
