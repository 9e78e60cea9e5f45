"""The commands for people: `page`, `contact-sheet`, and `kit` with the flags of ecg-image-kit."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from twelvelead import cli
from twelvelead.data.wfdb import write_record
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import DataError, ParamsError, RecordError
from twelvelead.paper.sidecar import read_sidecar
from twelvelead.paper.style import FORMS, PageStyle
from twelvelead.paper.truth import pixel_traces
from twelvelead.stages.kit import INSTEAD, kit
from twelvelead.stages.sheet import FORMATS, open_record, page_style

FS_HZ = 500.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records; lead number n is a square wave of n + 1 twentieths of a millivolt."""
    top = tmp_path_factory.mktemp("records")
    (top / "deep").mkdir()
    square = np.where(np.arange(6000) % 500 < 250, 50, -50)[:, None] * (1 + np.arange(12))
    write_record(top / "one", square.astype(np.int16), FS_HZ)
    write_record(top / "deep" / "two", (square // 2).astype(np.int16), FS_HZ)
    return top


def _open(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        picture.load()
        return picture.copy()


def _run(*arguments: object) -> dict[str, object]:
    done = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("suffix", FORMATS)
def test_page_writes_what_the_suffix_says(folder: Path, tmp_path: Path, suffix: str) -> None:
    to = tmp_path / "new" / f"page{suffix}"
    said = _run("page", folder / "one", "-o", to, "--dpi", 101.6)
    data = to.read_bytes()
    assert said["bytes"] == len(data)
    starts = {".png": b"\x89PNG", ".svg": b"<svg", ".pdf": b"%PDF"}
    assert data.startswith(starts.get(suffix, b"\xff\xd8"))
    if suffix not in (".svg", ".pdf"):
        assert _open(to).size == (1188, 840)
    assert [path.name for path in to.parent.iterdir()] == [to.name]


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_a_record_is_found_by_any_of_its_names(folder: Path, suffix: str) -> None:
    record = open_record(folder / f"one{suffix}")
    assert record.record_id == "one"
    assert record.signal_mv[3].max() == pytest.approx(0.2)


def test_a_record_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such record"):
        open_record(tmp_path / "none.dcm")


def test_dicom_is_drawn(shared: Path, tmp_path: Path) -> None:
    said = _run("page", shared / "data/dicom/anonymous_ecg.dcm", "-o", tmp_path / "page.png", "--dpi", 100)
    assert said["record"] == "anonymous_ecg"


def test_options_reach_the_page(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "page.png"
    said = _run(
        "page", folder / "one", "-o", to, "--layout", "6x2+1r", "--width", 1400, "--height", 900,
        "--speed", 50, "--gain", 5, "--chest-gain", 10, "--grid", "none", "--ink", "blue",
        "--rhythm", "V2", "--no-names",
    )  # fmt: skip
    assert said["pixels"] == [1400, 900]
    pixels = np.asarray(_open(to).convert("RGB")).reshape(-1, 3)
    blue = pixels[:, 2].astype(int) - pixels[:, 0] > 80
    assert blue.mean() > 0.002
    assert (pixels == 255).all(axis=1).mean() > 0.9  # no grid


def test_start_skips_seconds(folder: Path, tmp_path: Path) -> None:
    later, sooner = tmp_path / "later.png", tmp_path / "sooner.png"
    for to, start in ((later, 0.5), (sooner, 0)):
        _run("page", folder / "one", "-o", to, "--start", start, "--width", 560, "--height", 400)
    assert later.read_bytes() != sooner.read_bytes()
    done = CliRunner().invoke(cli.app, ["page", str(folder / "one"), "-o", str(later), "--start", "12"])
    assert isinstance(done.exception, ParamsError)


def test_a_seed_decides_over_a_photograph(folder: Path, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((1, 1, 2)):
        to = tmp_path / f"{number}.jpg"
        _run(
            "page",
            folder / "one",
            "-o",
            to,
            "--preset",
            "harsh",
            "--seed",
            seed,
            "--width",
            560,
            "--height",
            400,
        )
        found.append(to.read_bytes())
    assert found[0] == found[1] != found[2]


def test_a_png_of_a_photograph_is_that_photograph(folder: Path, tmp_path: Path) -> None:
    pictures = []
    for suffix in ("jpg", "png"):
        to = tmp_path / f"page.{suffix}"
        _run("page", folder / "one", "-o", to, "--preset", "photo", "--width", 560, "--height", 400)
        pictures.append(np.asarray(_open(to).convert("RGB")))
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("preset", ["clean", "photo"])
def test_a_sidecar_tells_the_truth_about_its_page(folder: Path, tmp_path: Path, preset: str) -> None:
    to = tmp_path / "page.png"
    look = ("--width", 1120, "--height", 560, "--preset", preset, "--seed", 3)
    _run("page", folder / "one", "-o", to, *look, "--sidecar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.png", "page.png.truth"]
    data = (tmp_path / "page.png.truth").read_bytes()
    assert len(data) <= 20_000
    grey = np.asarray(_open(to).convert("L")).astype(float)
    truth = read_sidecar(data)
    for trace in pixel_traces(truth.scene, truth.warp):
        points = trace.points[np.isfinite(trace.points).all(axis=1)]
        x, y = np.floor(points).astype(int).T
        inside = (x >= 0) & (x < 1120) & (y >= 3) & (y < 556)
        on, off = grey[y[inside], x[inside]], grey[np.clip(y[inside] + 12, 0, 559), x[inside]]
        assert np.median(on) < np.median(off) - 40


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "page.bmp"], "not written as"),
        (["-o", "page.pdf", "--preset", "scan"], "degraded page has pixels"),
        (["-o", "page.svg", "--sidecar"], "sidecar has pixels"),
        (["-o", "page.png", "--layout", "9x9"], "3x4\\+3r"),
        (["-o", "page.png", "--preset", "worst"], "harsh"),
        (["-o", "page.png", "--width", "500"], "both"),
        (["-o", "page.png", "--paper", "fit"], "no size"),
        (["-o", "page.png", "--paper", "a3"], "a4, letter"),
        (["-o", "page.png", "--dpi", "0"], "up to 1200"),
    ],
)
def test_what_cannot_be_drawn_is_refused(folder: Path, arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(cli.app, ["page", str(folder / "one"), *arguments])
    assert isinstance(done.exception, ParamsError)
    assert done.exception.exit_code == 2
    with pytest.raises(ParamsError, match=said):
        raise done.exception


def test_paper_and_pixels_go_together() -> None:
    assert page_style("letter", 200, 0, 0, layout="3x4").width_px == 2200
    assert page_style("a4", 200, 640, 480, layout="3x4") == PageStyle("3x4", 640, 480)


def test_contact_sheet_is_one_file(folder: Path, tmp_path: Path) -> None:
    said = _run("contact-sheet", folder / "one", "-o", tmp_path / "sheet.html", "--seed", 3)
    html = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert said["bytes"] == len(html.encode())
    assert "Record one on every page" in html


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


EVERYTHING = [
    "-r", "80", "--random_resolution", "--random_grid_color", "--random_bw", ".3",
    "--calibration_pulse", ".5", "--wrinkles", "--augment", "-rot", "5", "-noise", "40", "--hw_text",
    "-n", "4", "--store_config", "--lead_bbox", "--lead_name_bbox", "-ph",
]  # fmt: skip


def test_kit_makes_the_same_pages_of_the_same_seed(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "10"), ("b", "10"), ("c", "11")):
        said = _run("kit", "-i", folder, "-o", tmp_path / name, "-se", seed, *EVERYTHING)
        assert said == {"pages": 2, "refused": 0, "first_refusal": ""}
    a, b, c = (_digests(tmp_path / name) for name in "abc")
    assert set(a) == {"one-0.jpg", "one-0.json", "deep/two-0.jpg", "deep/two-0.json"}
    assert a == b
    assert all(a[name] != c[name] for name in a)


def test_kit_page_does_not_depend_on_its_neighbours(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    for suffix in (".hea", ".dat"):
        shutil.copy(folder / f"one{suffix}", tmp_path / "alone")
    kit(["-i", str(folder), "-o", str(tmp_path / "a"), *EVERYTHING])
    kit(["-i", str(tmp_path / "alone"), "-o", str(tmp_path / "b"), *EVERYTHING])
    assert _digests(tmp_path / "b")["one-0.jpg"] == _digests(tmp_path / "a")["one-0.jpg"]


@pytest.mark.parametrize(
    "columns",
    [
        1,
        2,
        pytest.param(3, marks=pytest.mark.skipif("4x3+1r" not in FORMS, reason="style.py has no 4x3+1r")),
        4,
        -1,
    ],
)
def test_kit_keeps_the_order_of_leads(folder: Path, tmp_path: Path, columns: int) -> None:
    """Read down the columns, leads stand in their order; each box holds the ink of its own lead."""
    kit([
        "-i", str(folder), "-o", str(tmp_path), "-r", "200", "--num_columns", str(columns), "--store_config",
        "--lead_bbox", "--max_num_images", "2", "--random_grid_present", "0",
    ])  # fmt: skip
    told = json.loads((tmp_path / "one-0.json").read_text())
    ink = np.asarray(_open(tmp_path / "one-0.png").convert("L")) < 128
    assert ink.shape == (told["height"], told["width"]) == (1700, 2200)
    cells = [lead for lead in told["leads"] if not lead["long_strip"]]
    corners = [lead["lead_bounding_box"][0] for lead in cells]
    order = sorted(range(12), key=lambda place: (round(corners[place][0]), round(corners[place][1])))
    assert [cells[place]["lead_name"] for place in order] == list(LEADS)
    assert len({round(corner[0]) for corner in corners}) == (4 if columns == -1 else columns)
    assert [lead["lead_name"] for lead in told["leads"] if lead["long_strip"]] == (
        [] if columns == 1 else ["II"]
    )
    for lead in cells:
        box = np.array(lead["lead_bounding_box"])
        (x0, y0), (x1, y1) = box.min(axis=0).astype(int), box.max(axis=0).astype(int)
        middle, reach = (y0 + y1) // 2, 0.05 * (1 + LEADS.index(lead["lead_name"])) * 2 * told["y_grid"]
        for sign in (-1, 1):  # the square wave's levels, a ruler's width around them
            row = round(middle + sign * reach)
            assert ink[row - 2 : row + 3, x0 + 40 : x1 - 40].any(axis=0).mean() > 0.35


def test_kit_says_where_a_photographed_lead_is(folder: Path, tmp_path: Path) -> None:
    kit(["-i", str(folder), "-o", str(tmp_path), "-r", "80", "--augment", "-rot", "20", "--lead_bbox"])
    told = json.loads((tmp_path / "one-0.json").read_text())
    assert told["degradation"]["rotation"] == 1.0
    outline = np.array(told["leads"][0]["lead_bounding_box"])
    assert abs(outline[0, 1] - outline[8, 1]) > 5  # its upper edge is askew
    assert "text_bounding_box" not in told["leads"][0]


def test_kit_header_changes_the_page_and_no_strip_is_possible(folder: Path, tmp_path: Path) -> None:
    shown = []
    for name, flags in (
        ("a", []),
        ("b", ["-ph"]),
        ("c", ["--full_mode", "None"]),
        ("d", ["--remove_lead_names"]),
    ):
        kit(["-i", str(folder), "-o", str(tmp_path / name), "-r", "60", "--max_num_images", "1", *flags])
        (path,) = (tmp_path / name).rglob("*.png")
        shown.append(path.read_bytes())
        assert _open(path).size == (660, 510)
    assert len(set(shown)) == 4


@pytest.mark.parametrize("flag", sorted(INSTEAD))
def test_kit_says_what_to_use_instead(folder: Path, tmp_path: Path, flag: str) -> None:
    with pytest.raises(ParamsError, match="not supported") as caught:
        kit(["-i", str(folder), "-o", str(tmp_path), flag])
    assert str(caught.value).startswith(flag)
    assert "Fix: " in str(caught.value)


@pytest.mark.parametrize(
    "flags",
    [["--foo"], ["--num_columns", "5"], ["--num_col", "4"], ["-rot", "30"], ["--full_mode", "V9"],
     ["--random_bw", "2"], ["-r", "10"], ["--standard_grid_color", "4"], ["--num_leads", "two"]],
)  # fmt: skip
def test_kit_refuses_what_it_does_not_know(folder: Path, tmp_path: Path, flags: list[str]) -> None:
    with pytest.raises(ParamsError):
        kit(["-i", str(folder), "-o", str(tmp_path), *flags])
    assert not list(tmp_path.iterdir())


def test_kit_counts_what_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "in")
    (tmp_path / "in" / "one.dat").unlink()
    said = kit(["-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-r", "60"])
    assert (said["pages"], said["refused"]) == (1, 1)
    assert "one: the signal file one.dat is missing" in str(said["first_refusal"])
    with pytest.raises(DataError, match=r"no \.hea"):
        kit(["-i", str(tmp_path / "out"), "-o", str(tmp_path / "out2")])
