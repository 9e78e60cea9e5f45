"""The scorer: probabilities from the answer slot, and controls that really take the picture away."""

import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError
from twelvelead.evaluation.score import Scorer, other_patients, score_images, score_pages

CODES = ["AFIB", "LVH", "NORM"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    import pyarrow as pa
    from PIL import Image

    from twelvelead.paper.look import draw_look
    from twelvelead.params import Synthesize

    folder = tmp_path_factory.mktemp("pages")
    look = draw_look(Synthesize(), "1", 0, 9)
    rows, manifest = [], []
    for number in range(6):
        stream = io.BytesIO()
        noise = np.random.default_rng(number).integers(0, 255, (336, 336), dtype=np.uint8)
        Image.fromarray(noise).save(stream, "PNG")
        row = {
            "page_id": f"{number}-0",
            "record_id": str(number),
            "patient_id": f"p{number // 2}",
            "fold": 9 + number % 2,
        }
        rows.append({"image": {"bytes": stream.getvalue(), "path": ""}, **row})
        manifest.append(row | {"look": look.state()})
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            *((name, pa.string()) for name in ("page_id", "record_id", "patient_id")),
            ("fold", pa.int8()),
        ]
    )
    write_parquet(pa.Table.from_pylist(rows, schema=schema), folder / "pages-00000.parquet")
    write_parquet(pa.Table.from_pylist(manifest), folder / "manifest.parquet")
    return folder


def test_only_the_folds_asked_for_are_scored_each_page_for_each_statement(base_folder, pages):
    frame = score_pages(base_folder, None, pages, (10,), CODES, threads=1)
    assert set(frame["record_id"]) == {"1", "3", "5"}
    assert len(frame) == 9
    assert frame["probability"].between(0, 1).all()
    assert frame.groupby("record_id")["code"].apply(list).tolist() == [CODES] * 3


def test_scores_do_not_depend_on_the_company_of_a_page_or_of_a_question(base_folder, pages):
    together = score_pages(base_folder, None, pages, (9, 10), CODES, threads=1)
    alone = score_pages(base_folder, None, pages, (10,), CODES[:1], threads=1)
    both = together.merge(alone, on=["record_id", "code"])
    np.testing.assert_allclose(both["probability_x"], both["probability_y"], atol=1e-6)


def test_blank_pages_tie_exactly(base_folder, pages):
    frame = score_pages(base_folder, None, pages, (9, 10), CODES, control="blank", threads=1)
    assert (frame.groupby("code")["probability"].nunique() == 1).all()


def test_shuffled_pages_are_another_patients(base_folder, pages):
    own = score_pages(base_folder, None, pages, (9, 10), CODES, threads=1).set_index(["record_id", "code"])
    shuffled = score_pages(base_folder, None, pages, (9, 10), CODES, control="shuffled", seed=1, threads=1)
    by_score = {round(float(p), 7): key for key, p in own["probability"].items()}
    for row in shuffled.itertuples():
        source, code = by_score[round(float(row.probability), 7)]
        assert code == row.code
        assert own.loc[source, "patient_id"].iloc[0] != row.patient_id


@pytest.mark.parametrize("seed", range(20))
def test_nobody_meets_their_own_page_in_a_shuffle(seed):
    patients = np.array([f"p{n}" for n in np.random.default_rng(seed).integers(0, 12, 40)])
    source = other_patients(patients.tolist(), seed)
    assert sorted(source) == list(range(40))
    assert (patients[source] != patients).all()


def test_a_fold_without_pages_is_refused(base_folder, pages):
    with pytest.raises(DataError, match="no pages in folds"):
        score_pages(base_folder, None, pages, (3,), CODES, threads=1)


def test_loose_pictures_score_like_pages(base_folder, pages):
    import pyarrow.parquet as pq

    pictures = [row["bytes"] for row in pq.read_table(pages / "pages-00000.parquet")["image"].to_pylist()]
    loose = score_images(str(base_folder), None, pictures, CODES)
    framed = score_pages(base_folder, None, pages, (9, 10), CODES, threads=1)
    np.testing.assert_allclose(loose.ravel(), framed["probability"], atol=1e-6)
    assert score_images(str(base_folder), None, [], CODES).shape == (0, 3)


def test_the_probability_is_yes_against_no_at_the_answer_slot(base):
    """Read off transformers' own next-token logits, over states of a page whose header sees nothing."""
    from twelvelead.models.packed import pack, slot_logits

    scorer = Scorer(base, CODES[:1])
    states = torch.randn(1, 145, base.model.config.text_config.hidden_size)
    yes, no = base.verbalisers
    with torch.no_grad():
        logits = slot_logits(base.model, pack(scorer.prefix, [scorer.questions], pad=0), states)[0, 0]
    expected = torch.softmax(logits[[yes, no]], 0)[0]
    assert scorer.score_states(states)[0, 0] == pytest.approx(float(expected), abs=1e-6)
