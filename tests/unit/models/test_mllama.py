import json
import shutil

import pytest

torch = pytest.importorskip("torch")

from twelvelead.errors import DataError, SetupError
from twelvelead.models.mllama import folder_sha256, load_base


@pytest.fixture
def copy(base_folder, tmp_path):
    return shutil.copytree(base_folder, tmp_path / "base")


def test_a_base_folder_without_weights_is_refused_with_what_to_do(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(SetupError, match="has no weights") as fault:
        load_base(str(copy))
    assert str(copy) in str(fault.value)
    assert "safetensors" in str(fault.value)
    assert fault.value.exit_code == 5


def test_a_missing_base_folder_names_the_params_key(tmp_path):
    with pytest.raises(SetupError, match="not found") as fault:
        load_base(str(tmp_path / "nowhere"))
    assert "train_lora.base" in str(fault.value)


def test_another_kind_of_model_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "llava"}))
    with pytest.raises(SetupError, match="is a 'llava'"):
        load_base(str(copy))


def test_an_image_processor_of_another_tile_size_is_refused(copy):
    processor = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(
        json.dumps(processor | {"size": {"height": 224, "width": 224}})
    )
    with pytest.raises(SetupError, match="224"):
        load_base(str(copy))


def test_a_folder_without_tokenizer_is_refused(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(SetupError, match=r"no tokenizer\.json"):
        load_base(str(copy))


def test_the_hash_changes_with_the_weights_and_not_with_the_notes(copy):
    before = folder_sha256(copy)
    (copy / "pretraining.json").write_text("{}")
    assert folder_sha256(copy) == before
    with (copy / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    assert folder_sha256(copy) != before


def test_a_conversation_without_a_picture_is_refused(base):
    with pytest.raises(DataError, match="exactly one picture"):
        base.question([{"role": "user", "content": [{"type": "text", "text": "Hello?"}]}])


def said(role, text):
    return {"role": role, "content": [{"type": "text", "text": text}]}


def test_every_answer_of_a_dialogue_is_learnt_once_behind_the_turns_before_it(base):
    from twelvelead.instruct.sample import messages

    turns = [
        *messages("Is the rhythm regular?", "Yes"),
        said("user", "What is the rate?"),
        said("assistant", "70"),
    ]
    prefix, questions = base.dialogue(turns)
    decode = base.tokenizer.decode
    assert [decode(question.answer) for question in questions] == ["Yes<|eot_id|>", "70<|eot_id|>"]
    assert (prefix, questions[0]) == base.question(turns[:2])
    later = decode(questions[1].prompt)
    assert later.startswith(decode(questions[0].prompt) + "Yes<|eot_id|>")
    assert later.endswith("What is the rate?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")
    assert "70" not in later
    with pytest.raises(DataError, match="of 2 answers"):
        base.question(turns)


def test_two_answers_in_a_row_are_refused(base):
    from twelvelead.instruct.sample import messages

    with pytest.raises(DataError, match="an answer follows an answer"):
        base.dialogue([*messages("Is the rhythm regular?", "Yes"), said("assistant", "No")])


def test_yes_and_no_are_single_tokens(base):
    yes, no = base.verbalisers
    assert base.tokenizer.decode([yes]) == "Yes"
    assert base.tokenizer.decode([no]) == "No"


def test_pages_straight_from_the_renderer_equal_pages_through_png_and_processor(base):
    import numpy as np

    from twelvelead.paper.encode import png_bytes
    from twelvelead.paper.page import PageStyle, render
    from twelvelead.training.pretrain import pixels

    page = render(np.random.default_rng(0).normal(0, 0.3, (12, 5000)), 500.0, PageStyle())
    direct = pixels(page.pixels[None], page.palette)
    through = base.pixels([png_bytes(page)])
    torch.testing.assert_close(direct["pixel_values"], through["pixel_values"].float(), atol=1e-5, rtol=1e-5)
    assert torch.equal(direct["aspect_ratio_ids"], through["aspect_ratio_ids"])
