"""A folder of records on paper by the flags of ecg-image-kit, for those who come from it.

The flags are those of `gen_ecg_images_from_data_batch.py` and its README (github.com/alphanumericslab/
ecg-image-kit, 27b90f5). What they do here differs where the kit is at fault (specs/paper.md §2): any number
of columns keeps the order of the leads, and equal seeds give equal pictures. Pages are PNG, degraded ones
JPEG. A flag that we cannot honour is refused with what to use instead, rather than ignored.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import DataError, ParamsError, RecordError
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, Words, draw
from twelvelead.paper.photo import photograph
from twelvelead.paper.scene import Scene
from twelvelead.paper.truth import flat_warp, places
from twelvelead.paper.warp import Warp
from twelvelead.progress import track
from twelvelead.stages.sheet import open_record, page_key, write_whole

SEED = 0  # the kit's -1: there it means another picture every time
LAYOUTS = {1: "12x1", 2: "6x2+1r", 3: "4x3+1r", 4: "3x4+1r", -1: "3x4+1r"}
COLOURS = {1: "beige", 2: "pink", 3: "blue", 5: "red"}  # the kit's brown, pink, blue, red; 4 is green
LEAST_DPI = 50  # of --random_resolution, as in the kit
FULL = {"rotate": 20.0, "noise": 50.0, "crop": 0.1, "words": 6.0}  # values of the kit at our strength 1
LOOK, PICTURE = 0, 1  # streams of a page's key

_REFUSED = (
    (("--config_file",), "give the flags, or use params.yaml with `twelvelead synthesize`"),
    (("--pad_inches", "--random_padding"), "leave it out; --augment shows what lies around the sheet"),
    (("--mask_unplotted_samples",), "take --store_config: the JSON says which samples each lead shows"),
    (("--add_qr_code",), "leave it out; no page carries a QR code"),
    (("-l", "--link"), "leave it out; handwriting is drawn from strokes, nothing is fetched"),
    (
        ("--x_offset", "--y_offset", "--hws", "--deterministic_offset", "--deterministic_hw_size"),
        "leave it out; the seed places and sizes handwriting",
    ),
    (("--deterministic_num_words",), "leave it out; -n always holds for every page"),
    (
        ("-ca", "--crease_angle", "-nv", "--num_creases_vertically", "-nh", "--num_creases_horizontally",
         "--deterministic_angle", "--deterministic_vertical", "--deterministic_horizontal"),
        "take --wrinkles alone; the seed draws angle and number of creases",
    ),
    (("-t", "--temperature"), "take --augment alone; the tint is drawn between 2500 and 15000 K"),
    (
        ("--deterministic_rot", "--deterministic_noise", "--deterministic_crop", "--deterministic_temp"),
        "leave it out; the seed draws. `Degradation` of twelvelead.paper.degrade sets exact strengths",
    ),
    (
        ("--fully_random",),
        "twelvelead synthesize --set synthesize.look=varied --set synthesize.degradation=harsh",
    ),
    (("--random_dc",), "take its later name, --calibration_pulse"),
    (("--random_add_header",), "take its later name, --random_print_header"),
    (("--num_images",), "take its later name, --max_num_images"),
    (("--deterministic_lead",), "take its later name, --remove_lead_names"),
    (("--bbox",), "take its later name, --lead_bbox"),
    (("--store_text_bounding_box",), "take its later name, --lead_name_bbox"),
)  # fmt: skip
INSTEAD = {name: fix for names, fix in _REFUSED for name in names}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ParamsError(message, where="twelvelead kit", fix="twelvelead kit -h lists the flags")


def _parser() -> _Parser:
    parser = _Parser(prog="twelvelead kit", description=(__doc__ or "").split("\n")[0], allow_abbrev=False)

    def flag(*names: str, help: str, **how: Any) -> None:
        parser.add_argument(*names, help=help, **how)

    flag("-i", "--input_directory", type=Path, required=True, help="folder of WFDB or DICOM records")
    flag("-o", "--output_directory", type=Path, required=True, help="where pages go, in the same tree")
    flag("-se", "--seed", type=int, default=-1, help=f"equal seeds give equal pages; -1: {SEED}")
    flag("-r", "--resolution", type=float, default=200, help="dpi of a letter page, default 200")
    flag("--num_leads", choices=("twelve",), default="twelve", help="twelve")
    flag("--max_num_images", type=int, default=-1, help="stop after so many")
    flag("--num_columns", type=int, choices=sorted(LAYOUTS), default=-1, help="-1 is 4")
    flag("--full_mode", default="II", help="lead of the long strip, or None; 1 column has none")
    flag("-ph", "--print_header", action="store_true", help="print the record's name")
    flag("--random_print_header", type=float, default=0, help="the same with this probability")
    flag("--remove_lead_names", action="store_true", help="no lead names and no scale")
    flag("--calibration_pulse", type=float, default=1, help="with this probability")
    flag("--random_grid_present", type=float, default=1, help="a grid with this probability")
    flag("--standard_grid_color", type=int, choices=sorted(COLOURS), default=5, help="see the guide")
    flag("--random_grid_color", action="store_true", help="another colour on each page")
    flag("--random_bw", type=float, default=0, help="a grey grid with this probability")
    flag("--random_resolution", action="store_true", help=f"from {LEAST_DPI} dpi to -r")
    flag("--wrinkles", action="store_true", help="wrinkles and creases")
    flag("--augment", action="store_true", help="rotation, noise, crop and tint")
    flag("-rot", "--rotate", type=float, default=0, help="largest angle in degrees, up to 20")
    flag("-noise", "--noise", type=float, default=50, help="50 and more is our strongest noise")
    flag("-c", "--crop", type=float, default=0.01, help="share cut off, up to .1")
    flag("--hw_text", action="store_true", help="handwriting")
    flag("-n", "--num_words", type=int, default=5, help="of handwriting, up to 6")
    flag("--store_config", type=int, nargs="?", const=1, default=0, help="a JSON beside each page")
    flag("--lead_bbox", action="store_true", help="boxes of the leads in that JSON")
    flag("--lead_name_bbox", action="store_true", help="boxes of the names in that JSON")
    return parser


@dataclass(frozen=True, slots=True)
class Plan:
    """One page: how it looks and what happens to it."""

    style: PageStyle
    words: Words
    degradation: Degradation | None
    dpi: float


def kit(flags: Sequence[str]) -> dict[str, Any]:
    """Draw every record of a folder.

    Args:
        flags: As given to ecg-image-kit's batch script.

    Returns:
        Counts of pages and of records that could not be read, with the first reason.

    Raises:
        ParamsError: A flag is unknown, unsupported, or has a value that is.
        DataError: The folder holds no records.
    """
    options = parse(flags)
    found = records(options.input_directory)
    if 0 <= options.max_num_images < len(found):
        found = found[: options.max_num_images]
    written, refused = 0, []
    for path in track(found, total=len(found), title="kit", unit="pages"):
        name = path.relative_to(options.input_directory).with_suffix("").as_posix()
        try:
            record = open_record(path)
        except RecordError as fault:
            refused.append(f"{name}: {fault.what}")
        else:
            _write(record, name, options)
            written += 1
    return {"pages": written, "refused": len(refused), "first_refusal": refused[0] if refused else ""}


def parse(flags: Sequence[str]) -> argparse.Namespace:
    """The options.

    Raises:
        ParamsError: A flag is unknown, unsupported, or has a value that is.
    """
    for flag in flags:
        if (name := flag.split("=")[0]) in INSTEAD:
            raise ParamsError("this flag of ecg-image-kit is not supported", where=name, fix=INSTEAD[name])
    options = _parser().parse_args(list(flags))
    lead = options.full_mode
    if lead != "None" and lead not in LEADS:
        raise ParamsError(f"{lead!r} is no lead", where="--full_mode", expected=", ".join((*LEADS, "None")))
    for name in ("calibration_pulse", "random_grid_present", "random_bw", "random_print_header"):
        if not 0 <= getattr(options, name) <= 1:
            raise ParamsError("is no probability", where=f"--{name}", expected="a number from 0 to 1")
    if not LEAST_DPI <= options.resolution <= 1200:
        raise ParamsError(f"is {options.resolution:g}", where="-r", expected=f"{LEAST_DPI} to 1200 dpi")
    if not 0 <= options.rotate <= FULL["rotate"]:
        raise ParamsError(f"is {options.rotate:g}", where="-rot", expected="0 to 20 degrees")
    return options


def records(folder: Path) -> list[Path]:
    """The headers and DICOM files of a tree, by name.

    Raises:
        DataError: There are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".hea", ".dcm"))
    if not found:
        raise DataError("no .hea and no .dcm files here", where=str(folder), expected="WFDB or DICOM ECGs")
    return found


def plan(name: str, options: argparse.Namespace, key: tuple[int, ...]) -> Plan:
    """What a page becomes; every draw is made whether it is used or not."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key, spawn_key=(LOOK,))))
    pulse, grid, grey, header, colour, sharp, *strengths = rng.random(12).tolist()
    tints = tuple(COLOURS.values())
    chosen = COLOURS[options.standard_grid_color]
    if options.random_grid_color:
        chosen = tints[int(colour * len(tints))]
    if grey < options.random_bw:
        chosen = "grey"
    dpi = options.resolution
    if options.random_resolution:
        dpi = float(round(LEAST_DPI + sharp * (dpi - LEAST_DPI)))
    layout = LAYOUTS[options.num_columns]
    if options.full_mode == "None":
        layout = layout.removesuffix("+1r")
    style = PageStyle.paper(
        "letter", dpi, layout=layout, font="sans",
        grid=chosen if grid < options.random_grid_present else "none",
        pulse="left" if pulse < options.calibration_pulse else "none",
        rhythm=(options.full_mode,) if layout.endswith("+1r") else (),
    )  # fmt: skip
    said = options.print_header or header < options.random_print_header
    words = Words(identity=(f"ID {name}",)) if said else Words()
    return Plan(style, words, _degraded(options, strengths), dpi)


def _degraded(options: argparse.Namespace, draws: Sequence[float]) -> Degradation | None:
    """The kit draws from a range up to the value that was given; so do we."""
    share: dict[str, float] = {}
    if options.wrinkles:
        share |= {"wrinkle": 0.3 + 0.7 * draws[0], "crease": 0.3 + 0.7 * draws[1]}
    if options.augment:
        share |= {
            "rotation": options.rotate / FULL["rotate"],
            "noise": draws[2] * min(options.noise / FULL["noise"], 1.0),
            "crop": draws[3] * min(options.crop / FULL["crop"], 1.0),
            "tint": draws[4],
        }
    if options.hw_text:
        share["handwriting"] = min(options.num_words / FULL["words"], 1.0)
    used = {kind: round(value, 4) for kind, value in share.items() if value > 0}
    return Degradation(**used) if used else None


def _write(record: Record, name: str, options: argparse.Namespace) -> None:
    key = page_key(max(options.seed, SEED), name)
    made = plan(record.record_id, options, key)
    scene = compose(record.signal_mv, record.fs_hz, made.style, made.words, not options.remove_lead_names)
    stem = options.output_directory / f"{name}-0"
    if made.degradation is None:
        warp, suffix, data = flat_warp(scene), ".png", png_bytes(draw(scene))
    else:
        photo = photograph(scene, made.degradation, (*key, PICTURE), words=True)
        warp, suffix, data = photo.warp, ".jpg", jpeg_bytes(photo)
    write_whole(stem.with_name(stem.name + suffix), data)
    if options.store_config or options.lead_bbox or options.lead_name_bbox:
        told = config(scene, warp, made, record.fs_hz, options.lead_bbox, options.lead_name_bbox)
        write_whole(stem.with_name(f"{stem.name}.json"), json.dumps(told).encode())


def config(
    scene: Scene, warp: Warp, made: Plan, fs_hz: float, boxes: bool, name_boxes: bool
) -> dict[str, Any]:
    """What the kit's JSON says, as far as it is asked for; outlines are x, y in pixels of the picture."""
    px_mm = warp.px_mm(scene.width_mm / 2, scene.height_mm / 2)
    found = places(scene, warp)
    cells = [place for place in found if place.kind == "lead"]
    names = [place for place in found if place.kind == "name"]
    leads = []
    for number, (trace, cell) in enumerate(zip(scene.traces, cells, strict=True)):
        strip = trace.strip
        told: dict[str, Any] = {
            "lead_name": strip.name,
            "long_strip": strip.rhythm,
            "start_sample": round(strip.start_s * fs_hz),
            "end_sample": round(strip.end_s * fs_hz),
        }
        if boxes:
            told["lead_bounding_box"] = cell.outline.round(1).tolist()
        if name_boxes and names:
            told["text_bounding_box"] = names[number].outline.round(1).tolist()
        leads.append(told)
    return {
        "width": warp.shape[1],
        "height": warp.shape[0],
        "dpi": made.dpi,
        "x_grid": round(scene.style.speed_mm_s / 5 * px_mm, 3),
        "y_grid": round(scene.style.gain_mm_mv / 2 * px_mm, 3),
        "degradation": made.degradation.strengths() if made.degradation else {},
        "leads": leads,
    }
