"""Pages out of picture files and PDF, one at a time; sizes are checked before anything is decoded."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from twelvelead.errors import SetupError
from twelvelead.serving.limits import Limits
from twelvelead.serving.refusal import Refusal

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {"png": ("PNG",), "jpeg": ("JPEG", "MPO"), "tiff": ("TIFF",)}
PDF_LONG_PX = 2400  # A4 at 200 dpi: the millimetre grid shows
TURNED = 274  # EXIF's Orientation


def pages_of(data: bytes, kind: str, limits: Limits, only: int) -> Iterator[tuple[int, int, Image, bool]]:
    """Number, count and picture of every page, and whether the picture is other than stored.

    Args:
        data: The file.
        kind: "png", "jpeg", "tiff" or "pdf".
        limits: What is too much.
        only: The one page that is wanted, from 1; 0 for all.

    Raises:
        Refusal: It is damaged, or too much.
        SetupError: pypdfium2 is missing.
    """
    return _pdf_pages(data, limits, only) if kind == "pdf" else _frames(data, kind, limits, only)


def _frames(data: bytes, kind: str, limits: Limits, only: int) -> Iterator[tuple[int, int, Image, bool]]:
    """Number, count, picture and whether it is other than stored, of every page of a picture file."""
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = None  # sizes are checked below, before anything is decoded
    try:
        with _quietly(PIL.Image.open, io.BytesIO(data), formats=FORMATS[kind]) as file:
            total = _quietly(_count, file, limits) if kind == "tiff" else 1
            for number in [only] if only else range(1, total + 1):
                if not 1 <= number <= total:
                    raise Refusal("bad_request", f"there is no page {number}", expected=f"1 to {total}")
                _quietly(file.seek, number - 1)
                _check_size(file.size[0], file.size[1], limits)
                yield (number, total, *_quietly(_upright, file))
    except Refusal:
        raise
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, KeyError, OverflowError) as fault:
        # Pillow's parsers raise all of these on damaged files
        raise Refusal(
            "unreadable", f"the {kind.upper()} is damaged: {str(fault)[:120]}", expected="an intact file"
        ) from None


def _quietly(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call without the decoder's warnings, which are about the file and nobody's business here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **named)


def _count(file: Any, limits: Limits) -> int:
    """Pages of a TIFF; its chain of directories is followed no further than is allowed."""
    for number in range(limits.pages + 1):
        try:
            file.seek(number)
        except EOFError:
            return number
    raise Refusal("too_large", "the TIFF has too many pages", expected=f"{limits.pages} at most")


def _upright(file: Image) -> tuple[Image, bool]:
    """The picture in RGB on white, the way a viewer shows it; and whether that is not as it is stored."""
    from PIL import Image, ImageOps

    turned = file.getexif().get(TURNED, 1) not in (0, 1)
    image = ImageOps.exif_transpose(file) if turned else file
    if image.mode in ("RGB", "L"):
        return image.convert("RGB"), turned
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: Pillow would cut, not scale
        levels = np.asarray(image, dtype=np.float64)
        most = 65535.0 if levels.max(initial=0) > 255 else 255.0
        grey = np.clip(levels / most * 255, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB"), True
    if "A" in image.mode or "transparency" in image.info:
        cut_out = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, cut_out).convert("RGB"), True
    return image.convert("RGB"), turned


def _pdf_pages(data: bytes, limits: Limits, only: int) -> Iterator[tuple[int, int, Image, bool]]:
    try:
        import pypdfium2
    except ModuleNotFoundError:
        raise SetupError("pypdfium2 is not installed", fix="pip install 'twelvelead[serve]'") from None
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as fault:
        raise Refusal("unreadable", f"the PDF cannot be opened: {fault}", expected="no password") from None
    try:
        total = len(document)
        if not 0 < total <= limits.pages:
            raise Refusal(
                "too_large" if total else "unreadable", f"the PDF has {total} pages",
                expected=f"1 to {limits.pages}",
            )  # fmt: skip
        for number in [only] if only else range(1, total + 1):
            if not 1 <= number <= total:
                raise Refusal("bad_request", f"there is no page {number}", expected=f"1 to {total}")
            sheet = document[number - 1]
            width, height = sheet.get_size()
            if not (width >= 1 and height >= 1 and math.isfinite(width + height)):
                raise Refusal("unreadable", f"page {number} has no size")
            scale = PDF_LONG_PX / max(width, height)
            _check_size(math.ceil(width * scale), math.ceil(height * scale), limits)
            image = sheet.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
            sheet.close()
            yield number, total, image, True
    except pypdfium2.PdfiumError as fault:
        raise Refusal("unreadable", f"a page of the PDF cannot be drawn: {fault}") from None
    finally:
        document.close()


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise Refusal(
            "too_large", f"the picture has {width} x {height} pixels",
            expected=f"{limits.pixels / 1e6:g} megapixels at most", fix="scale it down",
        )  # fmt: skip
