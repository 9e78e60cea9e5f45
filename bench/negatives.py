"""Pictures that are no 12-lead ECG page, made by code: what a careless or curious person might send."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Picture = NDArray[np.uint8]
WORDS = [
    "patient",
    "heart",
    "rate",
    "rhythm",
    "sinus",
    "normal",
    "ventricular",
    "report",
    "date",
    "time",
    "doctor",
    "clinic",
    "the",
    "of",
    "and",
    "a",
    "in",
    "was",
    "seen",
    "with",
    "no",
    "other",
    "finding",
    "pressure",
    "medication",
    "dose",
    "daily",
    "follow",
    "up",
    "weeks",
    "laboratory",
    "result",
    "invoice",
    "number",
    "street",
    "amount",
    "total",
    "kindly",
    "regards",
]


def blank(rng: np.random.Generator) -> Picture:
    """Bare paper: white, tinted, or unevenly lit."""
    height, width = size(rng)
    paper = np.full((height, width, 3), rng.integers(200, 256, 3), np.float64)
    light = np.linspace(1, rng.uniform(0.7, 1), width)[None, :, None]
    return clipped(paper * light + rng.normal(0, rng.uniform(0, 4), paper.shape))


def noise(rng: np.random.Generator) -> Picture:
    """White or coloured noise."""
    height, width = size(rng)
    picture = rng.integers(0, 256, (height, width, 3 if rng.random() < 0.5 else 1), dtype=np.uint8)
    return np.repeat(picture, 3 // picture.shape[2], axis=2)


def text(rng: np.random.Generator) -> Picture:
    """A page of text, now and then with rules or a table."""
    width, height = 1240, 1754
    image = Image.new("RGB", (width, height), (255, 255, 255))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(int(rng.integers(16, 34)))
    step = int(font.size * rng.uniform(1.2, 1.8))
    for y in range(100, height - 100, step):
        if rng.random() < 0.12:
            continue
        line = " ".join(rng.choice(WORDS, 18))[: int(rng.integers(30, 110))]
        draw.text((100, y), line, (20, 20, 20), font=font)
        if rng.random() < 0.1:
            draw.line((100, y + step - 4, width - 100, y + step - 4), (60, 60, 60), 2)
    return np.asarray(image)


def table(rng: np.random.Generator) -> Picture:
    """A sheet of numbers in ruled cells."""
    image = Image.new("RGB", (1400, 1000), (255, 255, 255))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(20)
    rows, columns = int(rng.integers(8, 30)), int(rng.integers(3, 10))
    for row in range(rows + 1):
        y = 50 + row * 900 // rows
        draw.line((50, y, 1350, y), (90, 90, 90), 2)
        for column in range(columns + 1):
            x = 50 + column * 1300 // columns
            draw.line((x, 50, x, 950), (90, 90, 90), 2)
            if row < rows and column < columns:
                draw.text((x + 8, y + 5), f"{rng.normal(0, 100):.2f}", (0, 0, 0), font=font)
    return np.asarray(image)


def chart(rng: np.random.Generator) -> Picture:
    """A matplotlib figure: lines, bars, scatter, histograms, several axes, with or without a grid."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows, columns = (int(n) for n in rng.integers(1, 4, 2))
    figure, axes = plt.subplots(rows, columns, figsize=(10, 7), dpi=110, squeeze=False)
    for axis in axes.ravel():
        x = np.linspace(0, 10, 300)
        kind = rng.integers(5)
        if kind == 0:
            for _ in range(rng.integers(1, 6)):
                axis.plot(x, np.cumsum(rng.normal(size=300)))
        elif kind == 1:
            axis.bar(range(12), rng.random(12))
        elif kind == 2:
            axis.scatter(*rng.normal(size=(2, 200)), s=8)
        elif kind == 3:
            axis.hist(rng.normal(size=500), bins=30)
        else:
            axis.plot(x, np.sin(x * rng.uniform(0.5, 6)), "k")
        axis.grid(bool(rng.random() < 0.5))
        axis.set_title("figure")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    plt.close(figure)
    return np.asarray(Image.open(stream).convert("RGB"))


def stock_lines(rng: np.random.Generator) -> Picture:
    """Small multiples: many rows of jagged lines on one time axis, as of prices or an EEG of noise."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = int(rng.integers(3, 13))
    figure, axes = plt.subplots(rows, 1, figsize=(11, 8), dpi=110, sharex=True)
    for axis in axes:
        axis.plot(np.cumsum(rng.normal(size=600)) * 0.1 + rng.normal(size=600) * rng.uniform(0, 1), "k", lw=1)
        axis.set_axis_off() if rng.random() < 0.6 else axis.grid(True)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    plt.close(figure)
    return np.asarray(Image.open(stream).convert("RGB"))


def empty_grid(rng: np.random.Generator) -> Picture:
    """ECG paper with nothing on it, in any colour."""
    from twelvelead.paper.page import PageStyle
    from twelvelead.paper.page import blank as bare

    colour = str(rng.choice(["red", "pink", "grey", "blue", "beige"]))
    style = PageStyle.paper("a4", float(rng.choice([101.6, 152.4, 203.2])), layout="3x4+1r", grid=colour)
    return smeared(bare(style).rgb(), rng)


def lettered_grid(rng: np.random.Generator) -> Picture:
    """ECG paper with lead names, pulses and footer, and no trace."""
    from twelvelead.paper.compose import bare
    from twelvelead.paper.page import PageStyle, draw

    layout = str(rng.choice(["3x4+1r", "6x2", "12x1", "3x4+3r"]))
    style = PageStyle.paper("a4", float(rng.choice([101.6, 152.4, 203.2])), layout=layout)
    image = Image.fromarray(draw(bare(style)).rgb())
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(max(image.width // 70, 10))
    for row in range(3):
        for column, name in enumerate(("I", "aVR", "V1", "V4")):
            place = (image.width * (0.06 + 0.23 * column), image.height * (0.1 + 0.25 * row))
            pen.text(place, name, (20, 20, 30), font=font)
    pen.text((20, image.height - 30), "25 mm/s 10 mm/mV", (20, 20, 30), font=font)
    return smeared(np.asarray(image), rng)


def single_lead(rng: np.random.Generator) -> Picture:
    """A strip of one lead, as a monitor or a watch prints it: one or two rows on a grid."""
    from twelvelead.paper.grid import COLOURS, PAPERS

    px_mm, rows = float(rng.uniform(4, 8)), int(rng.integers(1, 3))
    width, height = int(260 * px_mm), int((35 * rows + 10) * px_mm)
    colour = str(rng.choice(["red", "pink", "grey", "beige"]))
    image = Image.new("RGB", (width, height), tuple(PAPERS[colour]))
    pen = ImageDraw.Draw(image)
    for mm in range(0, 261):
        line = tuple(int(c) for c in (np.array(COLOURS[colour]) * (0.8 if mm % 5 == 0 else 1)).clip(0, 255))
        pen.line((mm * px_mm, 0, mm * px_mm, height), line, 2 if mm % 5 == 0 else 1)
        pen.line((0, mm * px_mm, width, mm * px_mm), line, 2 if mm % 5 == 0 else 1)
    for row in range(rows):
        signal = beats(rng, 10 / rows)
        y = (5 + 35 * row + 20 - 10 * signal) * px_mm
        x = (5 + np.arange(len(signal)) / 500 * 25 * rows) * px_mm
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), (20, 20, 30), max(round(0.35 * px_mm), 1))
    return smeared(np.asarray(image), rng)


def texture(rng: np.random.Generator) -> Picture:
    """Clouds, cloth, bark: noise of all scales, stretched and coloured; what a camera sees by mistake."""
    height, width = size(rng)
    field = np.zeros((height, width))
    for octave in range(2, 9):
        small = rng.normal(size=(max(height >> octave, 2), max(width >> octave, 2)))
        layer = Image.fromarray(small.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
        field += np.asarray(layer) * 2 ** (octave * rng.uniform(0.4, 1.1))
    field = (field - field.min()) / np.ptp(field)
    ends = rng.integers(0, 256, (2, 3))
    return clipped(ends[0] + field[..., None] * (ends[1] - ends[0]) + rng.normal(0, 3, (height, width, 3)))


def shapes(rng: np.random.Generator) -> Picture:
    """A cluttered scene: overlapping boxes, discs and bars."""
    height, width = size(rng)
    image = Image.new("RGB", (width, height), tuple(int(c) for c in rng.integers(0, 256, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(10, 80)):
        x, y = (int(v) for v in rng.integers(0, (width, height)))
        w, h = (int(v) for v in rng.integers(10, 300, 2))
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        draw = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        draw((x, y, x + w, y + h), fill=colour)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 3)))))


def ruled(rng: np.random.Generator) -> Picture:
    """A notebook page: ruled or squared, with some handwriting-like scrawl."""
    image = Image.new("RGB", (1240, 1600), (252, 252, 248))
    pen, step = ImageDraw.Draw(image), int(rng.integers(20, 60))
    for y in range(0, 1600, step):
        pen.line((0, y, 1240, y), (150, 170, 210), 1)
    if rng.random() < 0.5:
        for x in range(0, 1240, step):
            pen.line((x, 0, x, 1600), (150, 170, 210), 1)
    for row in range(int(rng.integers(3, 20))):
        x, y = 80.0, 100.0 + row * 70
        points = [(x, y)]
        while x < rng.uniform(600, 1150):
            x += rng.uniform(1, 9)
            points.append((x, y + rng.normal(0, 10)))
            if rng.random() < 0.03:
                pen.line(points, (30, 40, 110), 3)
                x += 22
                points = [(x, y)]
        pen.line(points, (30, 40, 110), 3)
    return np.asarray(image)


KINDS: dict[str, Callable[[np.random.Generator], Picture]] = {
    "blank paper": blank, "noise": noise, "text": text, "table": table, "chart": chart,
    "rows of lines": stock_lines, "empty grid": empty_grid, "lettered grid": lettered_grid,
    "one lead": single_lead, "texture": texture, "shapes": shapes, "notebook": ruled,
}  # fmt: skip


def size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a picture."""
    return int(rng.integers(500, 1400)), int(rng.integers(700, 1800))


def clipped(values: NDArray[np.floating]) -> Picture:
    """Rounded to bytes."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def smeared(picture: Picture, rng: np.random.Generator) -> Picture:
    """Half of them as a camera has them: softer, noisier, a little turned."""
    if rng.random() < 0.5:
        return picture
    image = Image.fromarray(picture).rotate(
        float(rng.uniform(-2, 2)), Image.Resampling.BILINEAR, fillcolor="white"
    )
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2)))), np.float64)
    return clipped(soft * rng.uniform(0.75, 1) + rng.normal(0, 4, soft.shape))


def beats(rng: np.random.Generator, seconds: float) -> NDArray[np.float64]:
    """One lead of a plain heart, mV at 500 Hz."""
    t = np.arange(int(seconds * 500)) / 500
    phase = t % rng.uniform(0.6, 1.1)
    wave = np.exp(-0.5 * ((phase - 0.3) / 0.012) ** 2) - 0.2 * np.exp(-0.5 * ((phase - 0.33) / 0.012) ** 2)
    wave += 0.25 * np.exp(-0.5 * ((phase - 0.52) / 0.04) ** 2)
    return wave + 0.12 * np.exp(-0.5 * ((phase - 0.16) / 0.025) ** 2) + rng.normal(0, 0.01, len(t))
