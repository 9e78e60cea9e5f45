"""Vision states of pages while an adapter trains: kept in memory, on disk, or computed again.

A frozen tower gives the same states in every epoch: 75 kB a page for the tiny base, 52 MB for four tiles of
the 11B base. Whether keeping them pays is decided from speeds measured here. Under an adapted tower only the
decoded pictures stay the same.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from twelvelead.errors import DataError
from twelvelead.models.mllama import Base, cache_folder
from twelvelead.models.packed import bare, encode_images
from twelvelead.models.state_store import StateStore
from twelvelead.progress import say, track
from twelvelead.training.forecast import GIB, free_host_bytes
from twelvelead.training.pages import Page
from twelvelead.training.pictures import Picture, Pictures
from twelvelead.training.ranks import Ranks

ENCODE_BATCH = 8
SHARE_OF_FREE_MEMORY = 0.4  # of all processes on this machine together
SHARE_OF_FREE_DISK = 0.8
TRIAL_PAGES = 4
# Relative error that another batch size, kernel or rounding to one byte may bring.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 2e-2}
INT8_TOLERANCE = 3e-2
Where = Literal["memory", "disk", "nowhere"]


@dataclass(frozen=True, slots=True)
class Costs:
    """What keeping states would take and save, measured on a few pages.

    Attributes:
        pages, epochs: How many states, how often each is needed.
        bytes_a_page: Of one state as it is kept.
        encode_s, write_s, read_s: Seconds a page.
        free_memory, free_disk: Bytes that may be used.
    """

    pages: int
    epochs: int
    bytes_a_page: float
    encode_s: float
    write_s: float
    read_s: float
    free_memory: float
    free_disk: float

    def where(self) -> tuple[Where, str]:
        """Where states are kept, and why.

        Memory if they fit; else disk if it has room and writing once and reading in each epoch takes less
        time than encoding in each; else nowhere.
        """
        need = self.pages * self.bytes_a_page
        if need <= self.free_memory:
            return "memory", f"{need / GIB:.2f} GiB fit into memory"
        again = self.epochs * self.encode_s
        kept = self.encode_s + self.write_s + self.epochs * self.read_s
        times = (
            f"{self.read_s * 1e3:.1f} ms to read a page, {self.encode_s * 1e3:.1f} to encode it, "
            f"{self.epochs} epochs"
        )
        if need > self.free_disk:
            return "nowhere", f"there is no room for {need / GIB:.1f} GiB in memory or on disk"
        if kept >= again:
            return "nowhere", f"encoding again is no slower: {times}"
        return "disk", f"{need / GIB:.1f} GiB, {times}"


class VisionStates:
    """States of the pages of one split.

    Args:
        base: Base with its adapter.
        pages: Whose states.
        frozen: Whether tower and projector stay as they are.
        keep: "auto" decides by measuring; else what was asked for.
        int8: Whether states that are kept take one byte a number.
        epochs: How often each state will be needed.
        ranks: This process among its peers; each encodes its share for the disk.
    """

    def __init__(
        self,
        base: Base,
        pages: Sequence[Page],
        *,
        frozen: bool,
        keep: Literal["auto"] | Where = "auto",
        int8: bool = False,
        epochs: int = 1,
        ranks: Ranks | None = None,
        folder: Path | None = None,
    ) -> None:
        self.base, self.pages, self.frozen = base, pages, frozen
        self.ranks = ranks or Ranks()
        self.pictures = Pictures(base)
        self.store = StateStore(folder or cache_folder() / "vision", base, int8=int8)
        self.where: Where = "nowhere"
        self.states: list[dict[str, Tensor]] = []
        self.decoded: list[Picture] = []
        if not pages:
            return
        if not frozen:
            self._keep_pictures(keep)
            return
        self.where, why = (keep, "as asked") if keep != "auto" else self._measure(epochs).where()
        if self.ranks.leads:
            say(f"vision states of {len(pages)} pages are kept {_PLACE[self.where]}: {why}")
        if self.where == "disk":
            self._fill_disk()
        elif self.where == "memory":
            self._fill_memory()

    def load(self, numbers: Sequence[int]) -> Tensor | dict[str, Tensor]:
        """What is kept of these pages, in main memory: states, or pictures that `encode` turns into states.

        Safe to call from threads.
        """
        if self.where == "disk":
            kept = [self.store.read(self.pages[number].picture) for number in numbers]
            if all(states is not None for states in kept):
                return _pinned(torch.stack([states for states in kept if states is not None]))
        elif self.states:
            return _pinned(torch.stack([self.store.plain(self.states[number]) for number in numbers]))
        found = [
            self.decoded[number] if self.decoded else self.pictures.decode(self.pages[number].picture)
            for number in numbers
        ]
        return {name: _pinned(values) for name, values in self.pictures.batch(found).items()}

    def encode(self, loaded: Tensor | dict[str, Tensor]) -> Tensor:
        """The states (B, V, H) on the device, with gradients if the tower is adapted."""
        device = self.base.device
        if isinstance(loaded, Tensor):
            return loaded.to(device, non_blocking=True)
        images = {name: values.to(device, non_blocking=True) for name, values in loaded.items()}
        if not self.frozen:
            return encode_images(bare(self.base.model), images)
        with torch.no_grad():
            return encode_images(bare(self.base.model), images)

    def of(self, numbers: Sequence[int]) -> Tensor:
        """States (B, V, H) of the pages with these numbers."""
        return self.encode(self.load(numbers))

    def verify(self, number: int) -> None:
        """Compare what is kept of a page with what the base computes now.

        Raises:
            DataError: They differ by more than rounding.
        """
        if self.where == "nowhere" or not self.frozen:
            return
        kept = self.of([number]).float()
        page = self.pages[number]
        now = self.encode(self.pictures.batch([self.pictures.decode(page.picture)])).float()
        off = float((kept - now).norm() / now.norm())
        limit = TOLERANCE[self.base.model.dtype] + INT8_TOLERANCE * self.store.int8
        if not off <= limit:
            raise DataError(
                f"the vision states kept of page {page.page_id} are {off:.1%} off what the base computes",
                where=str(self.store.path(page.picture)) if self.where == "disk" else page.page_id,
                expected=f"at most {limit:.1%}",
                fix=f"delete {self.store.folder}" if self.where == "disk" else "start again",
            )

    def _keep_pictures(self, keep: str) -> None:
        need = self.pictures.decode(self.pages[0].picture).tiles.nbytes * len(self.pages)
        if keep in ("auto", "memory") and need < self._free_memory():
            self.decoded = self.pictures.album(
                track((page.picture for page in self.pages), total=len(self.pages), title="decode pages"),
                len(self.pages),
            )

    def _free_memory(self) -> float:
        """Bytes that this process may fill."""
        return SHARE_OF_FREE_MEMORY * free_host_bytes() / self.ranks.neighbours

    def _measure(self, epochs: int) -> Costs:
        """Encode a few pages; write and read them too if memory is too small for all.

        All processes go by what the first one measured.
        """
        some = self.pages[:TRIAL_PAGES]
        batch = self.pictures.batch([self.pictures.decode(page.picture) for page in some])
        states = self.encode(batch).cpu()  # the first pass warms kernels up
        begun = time.perf_counter()
        states = self.encode(batch).cpu()
        encode_s = (time.perf_counter() - begun) / len(some)
        size = sum(part.nbytes for part in self.store.coded(states[0]).values())
        costs = Costs(len(self.pages), epochs, size, encode_s, 0.0, 0.0, self._free_memory(), 0.0)
        if costs.where()[0] != "memory":
            write_s, read_s = self._disk_speed(some, states)
            room = SHARE_OF_FREE_DISK * shutil.disk_usage(self.store.folder).free
            costs = replace(costs, write_s=write_s, read_s=read_s, free_disk=room)
        return self.ranks.first(costs)

    def _disk_speed(self, pages: Sequence[Page], states: Tensor) -> tuple[float, float]:
        """Seconds to write a page's states, and to read them when the system does not hold them."""
        begun = time.perf_counter()
        for page, one in zip(pages, states, strict=True):
            _out_of_page_cache(self.store.write(page.picture, one))
        write_s = (time.perf_counter() - begun) / len(pages)
        begun = time.perf_counter()
        for page in pages:
            self.store.read(page.picture)
        return write_s, (time.perf_counter() - begun) / len(pages)

    def _fill_memory(self) -> None:
        for _, states in self._fresh(range(len(self.pages))):
            self.states += [self.store.coded(one) for one in states.unbind()]

    def _fill_disk(self) -> None:
        """Encode what the disk does not hold yet; a run that was killed here goes on where it was."""
        mine = self.ranks.mine(range(len(self.pages)))
        self._write([number for number in mine if self.store.read(self.pages[number].picture) is None])
        self.ranks.any(False)  # nobody reads before all have written
        # Machines with disks of their own have what their own processes wrote, and need the rest.
        mine = self.ranks.mine_here(range(len(self.pages)))
        self._write([number for number in mine if not self.store.path(self.pages[number].picture).is_file()])
        self.ranks.any(False)

    def _write(self, missing: Sequence[int]) -> None:
        for numbers, states in self._fresh(missing):
            for number, one in zip(numbers, states, strict=True):
                self.store.write(self.pages[number].picture, one)

    def _fresh(self, numbers: Sequence[int]) -> Iterator[tuple[Sequence[int], Tensor]]:
        starts = range(0, len(numbers), ENCODE_BATCH)
        for at in (
            track(starts, total=len(starts), title="encode pages", unit=f"batches of {ENCODE_BATCH}")
            if numbers
            else ()
        ):
            batch = numbers[at : at + ENCODE_BATCH]
            found = [self.pictures.decode(self.pages[number].picture) for number in batch]
            yield batch, self.encode(self.pictures.batch(found)).cpu()


_PLACE = {"memory": "in memory", "disk": "on disk", "nowhere": "nowhere"}


def _pinned(values: Tensor) -> Tensor:
    """In memory that a GPU copies from while it works."""
    return values.pin_memory() if torch.cuda.is_available() else values


def _out_of_page_cache(file: Path) -> None:
    """Make the next read come from the disk, as it will when many other pages lie between."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
