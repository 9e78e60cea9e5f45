"""Kept vision states are those that the base computes, wherever they lie and whatever befell them."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from twelvelead.errors import DataError, SetupError
from twelvelead.models.state_store import StateStore
from twelvelead.training import lora as training
from twelvelead.training import selection
from twelvelead.training.pages import Page
from twelvelead.training.pictures import Pictures
from twelvelead.training.ranks import Ranks
from twelvelead.training.states import Costs, VisionStates
from twelvelead.training.tracker import NullTracker

from .test_lora_training import QUICK, left_or_right

CHEAP = Costs(
    pages=100,
    epochs=3,
    bytes_a_page=10,
    encode_s=1.0,
    write_s=0.2,
    read_s=0.1,
    free_memory=2000,
    free_disk=2000,
)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, "memory"),
        ({"free_memory": 999}, "disk"),
        ({"free_memory": 999, "free_disk": 999}, "nowhere"),
        ({"free_memory": 999, "read_s": 1.0}, "nowhere"),  # reading is as slow as encoding
        ({"free_memory": 999, "epochs": 1}, "nowhere"),  # nothing is read twice
        ({"free_memory": 999, "write_s": 5.0}, "nowhere"),
        ({"free_memory": 999, "write_s": 5.0, "epochs": 20}, "disk"),
    ],
)
def test_states_are_kept_where_it_pays(change, where):
    found, why = dataclasses.replace(CHEAP, **change).where()
    assert found == where
    assert why


@pytest.mark.parametrize(("room", "where"), [(10**12, "memory"), (0, "disk")])
def test_left_to_itself_it_measures_and_writes_only_what_it_needs(
    base, pages, tmp_path, monkeypatch, room, where
):
    monkeypatch.setattr("twelvelead.training.states.free_host_bytes", lambda: room)
    kept = VisionStates(base, pages, frozen=True, epochs=1000, folder=tmp_path)
    assert kept.where == where
    assert bool(list(tmp_path.rglob("*.safetensors"))) == (where == "disk")
    torch.testing.assert_close(kept.of([1, 2]), fresh(base, pages).of([1, 2]))


@pytest.fixture
def pages(pictures):
    return [Page(f"{number}-0", str(number), picture) for number, picture in enumerate(pictures)]


def fresh(base, pages):
    return VisionStates(base, pages, frozen=True, keep="nowhere")


@pytest.mark.parametrize("keep", ["memory", "disk"])
def test_kept_states_are_those_computed_now(base, pages, tmp_path, keep):
    kept = VisionStates(base, pages, frozen=True, keep=keep, folder=tmp_path)
    assert isinstance(kept.load([0]), torch.Tensor)
    torch.testing.assert_close(kept.of([2, 0, 1]), fresh(base, pages).of([2, 0, 1]))
    for number in range(3):
        kept.verify(number)


def test_one_byte_a_number_is_a_quarter_of_the_size_and_nearly_the_same(base, pages, tmp_path):
    exact = VisionStates(base, pages, frozen=True, keep="disk", folder=tmp_path)
    short = VisionStates(base, pages, frozen=True, keep="disk", int8=True, folder=tmp_path)
    size = [one.store.path(pages[0].picture).stat().st_size for one in (exact, short)]
    assert size[1] < 0.3 * size[0]
    off = (short.of([0, 1]) - exact.of([0, 1])).norm() / exact.of([0, 1]).norm()
    assert 0 < off < 0.02
    short.verify(0)


def test_a_second_run_reads_what_the_first_wrote_and_a_damaged_entry_is_made_again(
    base, pages, tmp_path, monkeypatch
):
    kept = VisionStates(base, pages, frozen=True, keep="disk", folder=tmp_path)
    files = [kept.store.path(page.picture) for page in pages]
    written = [file.read_bytes() for file in files]
    flipped = bytearray(written[0])
    flipped[-5] ^= 1
    files[0].write_bytes(flipped)
    files[1].write_bytes(written[1][:-100])
    assert kept.store.read(pages[0].picture) is None
    assert kept.store.read(pages[1].picture) is None
    torch.testing.assert_close(kept.of([0, 1, 2]), fresh(base, pages).of([0, 1, 2]))  # computed meanwhile
    encoded = []
    encode = VisionStates.encode
    monkeypatch.setattr(VisionStates, "encode", lambda *a: encoded.append(1) or encode(*a))
    VisionStates(base, pages, frozen=True, keep="disk", folder=tmp_path)
    assert len(encoded) == 1  # both in one batch; the third was whole
    assert [file.read_bytes() for file in files] == written


class OfAnotherMachine(Ranks):
    """The first of two processes that share no disk; the other one is silent."""

    def any(self, flag):
        return flag


def test_a_machine_with_a_disk_of_its_own_keeps_the_states_of_all_pages(base, pages, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    alone = OfAnotherMachine(0, 2)
    kept = VisionStates(base, pages, frozen=True, keep="disk", ranks=alone, folder=tmp_path)
    assert all(kept.store.read(page.picture) is not None for page in pages)


def test_processes_of_one_machine_share_what_its_disk_lacks(pages, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    shares = []
    for place in range(2):
        monkeypatch.setenv("LOCAL_RANK", str(place))
        shares.append(Ranks(2 + place, 4).mine_here(pages))
    assert shares == [[pages[0], pages[2]], [pages[1]]]


def test_a_cache_that_cannot_be_written_is_said_and_leaves_nothing_behind(base, pages, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be kept") as refused:
        VisionStates(base, pages, frozen=True, keep="disk", folder=tmp_path / "file")
    assert "TWELVELEAD_CACHE" in refused.value.fix
    full = StateStore(tmp_path / "full", base)

    def no_room(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", no_room)
    with pytest.raises(SetupError, match="No space left"):
        full.write(pages[0].picture, fresh(base, pages).of([0])[0])
    assert not [item for item in (tmp_path / "full").rglob("*") if item.is_file()]


def test_many_writers_of_one_entry_leave_one_whole_entry(base, pages, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    states = fresh(base, pages).of([0])[0]
    stores = [StateStore(tmp_path, base) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda store: store.write(pages[0].picture, states), stores * 5))
    assert len(set(found)) == 1
    assert torch.equal(stores[0].read(pages[0].picture), states)
    assert [item for item in tmp_path.rglob("*") if item.is_file()] == [found[0]]


def test_states_that_the_base_does_not_compute_are_refused(base, pages, tmp_path):
    kept = VisionStates(base, pages, frozen=True, keep="disk", folder=tmp_path)
    kept.store.write(pages[1].picture, kept.of([0])[0])
    kept.verify(0)
    with pytest.raises(DataError, match=r"page 1-0 .* off what the base computes"):
        kept.verify(1)


def test_another_base_format_or_processor_misses(base, pages, tmp_path):
    store = StateStore(tmp_path, base)
    store.write(pages[0].picture, fresh(base, pages).of([0])[0])
    assert store.read(pages[0].picture) is not None
    assert StateStore(tmp_path, base, int8=True).read(pages[0].picture) is None
    assert StateStore(tmp_path, dataclasses.replace(base, sha256="0" * 64)).read(pages[0].picture) is None
    base.image_processor.image_mean = [0.0, 0.0, 0.0]
    assert StateStore(tmp_path, base).read(pages[0].picture) is None
    assert store.read(pages[1].picture) is None


def test_pictures_kept_as_bytes_are_the_processor_s_numbers(base, pictures):
    wide = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 300, 3), dtype=np.uint8)).save(
        wide, "PNG"
    )
    kept = Pictures(base)
    decoded = kept.album([*pictures, wide.getvalue()], 4)
    assert decoded[0].tiles.dtype == torch.uint8
    assert decoded[0].tiles.untyped_storage().data_ptr() == decoded[2].tiles.untyped_storage().data_ptr()
    for name, values in base.pixels([*pictures, wide.getvalue()]).items():
        assert kept.batch(decoded)[name].dtype == values.dtype
        assert torch.equal(kept.batch(decoded)[name], values), name


def test_a_processor_whose_numbers_bytes_cannot_give_back_keeps_them_whole(base, pictures):
    kept = Pictures(base)
    kept.values = kept.values * 1.001  # as if it did more than scale a byte
    decoded = kept.decode(pictures[0])
    assert decoded.tiles.dtype == torch.float32
    assert torch.equal(kept.batch([decoded])["pixel_values"], base.pixels(pictures[:1])["pixel_values"])


def test_scores_decide_whether_one_byte_will_do():
    labels = np.tile([[0], [1]], (50, 2))
    exact = np.random.default_rng(0).normal(size=(100, 2)) + labels
    assert selection.same_answers(exact, exact + 1e-3, labels)[0]
    good, words = selection.same_answers(exact, exact[::-1], labels)
    assert not good
    assert "macro AUC" in words


@pytest.mark.parametrize(("good", "word"), [(True, "taken"), (False, "not taken")])
def test_a_training_takes_one_byte_only_if_the_answers_stay(base, tmp_path, monkeypatch, capfd, good, word):
    monkeypatch.setattr(training, "same_answers", lambda *_: (good, "as told"))
    seen = []
    made = training.VisionStates
    monkeypatch.setattr(training, "VisionStates", lambda *a, **k: seen.append(k.get("int8")) or made(*a, **k))
    prefix, pages, labels = left_or_right(base, 6)
    params = QUICK.model_copy(update={"vision_int8": True})
    training.train(base, prefix, pages, pages[:4], labels[:4], params, tmp_path, NullTracker())
    assert seen[-2:] == [good, good]
    assert f"as told: {word}\n" in capfd.readouterr().err


def test_training_from_disk_is_training_from_memory(base_folder, tmp_path, monkeypatch):
    from twelvelead.models.mllama import load_base

    monkeypatch.setenv("TWELVELEAD_CACHE", str(tmp_path / "cache"))
    found = []
    for keep in ("memory", "disk", "nowhere"):
        base = load_base(str(base_folder))
        prefix, pages, labels = left_or_right(base, 6)
        params = QUICK.model_copy(update={"vision_cache": keep})
        done = training.train(
            base, prefix, pages, pages[:4], labels[:4], params, tmp_path / keep, NullTracker()
        )
        found.append(done.weights)
    for name, weight in found[0].items():
        assert torch.equal(weight, found[1][name])
        torch.testing.assert_close(weight, found[2][name], atol=1e-4, rtol=1e-3)
    assert list((tmp_path / "cache" / "vision").rglob("*.safetensors"))
