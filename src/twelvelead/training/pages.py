"""Pages and their questions as the trainer sees them: token ids, pictures, cached vision states."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from twelvelead.data.shard import read_pages, read_rows
from twelvelead.errors import DataError
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Question, bare, encode_images
from twelvelead.progress import track
from twelvelead.training.forecast import free_host_bytes

STATEMENT = "statement"  # the family of the scorer's fixed questions
ENCODE_BATCH = 32
CACHE_SHARE_OF_FREE_MEMORY = 0.4


@dataclass(slots=True)
class Page:
    """One page with the questions a trainer may ask of it."""

    page_id: str
    record_id: str
    picture: bytes
    statements: list[Question] = field(default_factory=list)
    others: list[Question] = field(default_factory=list)


def read_training_pages(
    base: Base, instructions: Path, pages: Path, split: str, families: Collection[str] = ()
) -> tuple[tuple[int, ...], list[Page]]:
    """The pages of a split with their tokenised questions, in the order of the page shards.

    Args:
        base: Gives the tokenizer.
        instructions, pages: The artifacts.
        split: "train", "validation" or "test".
        families: Which questions to take beside the statements' fixed ones; empty = all.

    Returns:
        The shared prefix (token ids up to the image token) and the pages.

    Raises:
        DataError: The split has no samples, or a sample names a page that is not there.
    """
    asked: dict[str, list[tuple[bool, Question]]] = {}
    prefix: tuple[int, ...] = ()
    for row in read_rows(instructions, f"{split}-*.parquet", columns=["page_id", "family", "messages"]):
        if families and row["family"] not in (STATEMENT, *families):
            continue
        prefix, questions = base.dialogue(row["messages"])
        of_page = asked.setdefault(row["page_id"], [])
        of_page += [(row["family"] == STATEMENT, question) for question in questions]
    if not asked:
        raise DataError(f"split {split!r} has no samples", where=str(instructions))
    found: list[Page] = []
    for row in read_pages(pages, columns=["page_id", "record_id", "image"]):
        if of_page := asked.pop(row["page_id"], []):
            found.append(
                Page(
                    row["page_id"],
                    row["record_id"],
                    row["image"]["bytes"],
                    [q for statement, q in of_page if statement],
                    [q for statement, q in of_page if not statement],
                )
            )
    if asked:
        raise DataError(
            f"{len(asked)} pages of the instructions are not in the shards", where=sorted(asked)[0]
        )
    return prefix, found


class VisionStates:
    """Cross-attention states of pages; whatever does not change between epochs is kept where memory allows.

    With a frozen tower these are the states themselves: 75 kB a page for the tiny base, 52 MB for four
    tiles of the 11B base. With an adapted tower they are the decoded pictures.
    """

    def __init__(self, base: Base, pages: Sequence[Page], *, frozen: bool) -> None:
        self.base, self.frozen = base, frozen
        self.states: list[Tensor] = []
        self.pictures: list[dict[str, Tensor]] = []
        if not pages:
            return
        picture = self._pixels(pages[:1])
        one = self._encode(picture).nbytes if frozen else sum(values.nbytes for values in picture.values())
        if one * len(pages) < CACHE_SHARE_OF_FREE_MEMORY * free_host_bytes():
            self._keep(pages)

    def of(self, pages: Sequence[Page], numbers: Sequence[int]) -> Tensor:
        """States (B, V, H) of the pages with these numbers, with gradients if the tower is adapted."""
        return self.encode(self.fetch(pages, numbers))

    def fetch(self, pages: Sequence[Page], numbers: Sequence[int]) -> Tensor | dict[str, Tensor]:
        """What is kept of the pages, on the device: states, or pictures that `encode` turns into states."""
        if self.states:
            return torch.stack([self.states[number] for number in numbers]).to(self.base.device)
        if self.pictures:
            chosen = [self.pictures[number] for number in numbers]
            return {name: torch.cat([one[name] for one in chosen]).to(self.base.device) for name in chosen[0]}
        return self._pixels([pages[number] for number in numbers])

    def encode(self, seen: Tensor | dict[str, Tensor]) -> Tensor:
        """The states (B, V, H) of what was fetched."""
        if isinstance(seen, Tensor):
            return seen
        return self._encode(seen) if self.frozen else encode_images(bare(self.base.model), seen)

    def _keep(self, pages: Sequence[Page]) -> None:
        starts = range(0, len(pages), ENCODE_BATCH)
        title = "encode pages" if self.frozen else "decode pages"
        for start in track(starts, total=len(starts), title=title, unit=f"batches of {ENCODE_BATCH}"):
            images = self._pixels(pages[start : start + ENCODE_BATCH])
            if self.frozen:
                self.states += self._encode(images).cpu().unbind()
            else:
                rows = zip(*(values.cpu().split(1) for values in images.values()), strict=True)
                self.pictures += [dict(zip(images, row, strict=True)) for row in rows]

    @torch.no_grad()
    def _encode(self, images: dict[str, Tensor]) -> Tensor:
        return encode_images(bare(self.base.model), images)

    def _pixels(self, pages: Sequence[Page]) -> dict[str, Tensor]:
        return self.base.pixels([page.picture for page in pages])
