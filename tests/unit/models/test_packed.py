import pytest

torch = pytest.importorskip("torch")

from twelvelead.instruct.sample import messages
from twelvelead.models.packed import Question, answer_loss, encode_images, pack, slot_logits

TEXTS = ["Does this ECG show atrial fibrillation?", "Is the rhythm regular?", "What is the heart rate?"]


def ask(base, texts, answer=""):
    asked = [base.question(messages(text, answer)) for text in texts]
    return asked[0][0], [question for _, question in asked]


def logits_of(base, prefix, questions, states):
    return slot_logits(base.model, pack(prefix, questions, pad=base.tokenizer.pad_token_id), states)


def test_questions_packed_behind_one_page_score_as_if_asked_alone(base, pictures):
    prefix, questions = ask(base, TEXTS)
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures))
        together = logits_of(base, prefix, [questions] * 3, states)
        alone = torch.cat([logits_of(base, prefix, [[q]] * 3, states) for q in questions], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_the_order_of_questions_does_not_matter(base, pictures):
    prefix, questions = ask(base, TEXTS)
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:1]))
        forth = logits_of(base, prefix, [questions], states)
        back = logits_of(base, prefix, [questions[::-1]], states)
    torch.testing.assert_close(forth, back.flip(1), atol=1e-5, rtol=1e-5)


def test_packed_scores_equal_transformers_own_forward(base, pictures):
    """The sequence as transformers runs it, with the features and the row mask of Meta's reference."""
    prefix, questions = ask(base, TEXTS[:1])
    model, ids = base.model, torch.tensor([[*prefix, *questions[0].prompt]])
    mask = torch.zeros(1, ids.shape[1], 1, 1)
    mask[:, len(prefix) - 1 :] = 1.0
    with torch.no_grad():
        states = encode_images(model, base.pixels(pictures[:1]))
        packed = logits_of(base, prefix, [questions], states)[0, 0]
        blind = [layer for n, layer in enumerate(model.model.language_model.layers) if n in (1, 3)]
        hooks = [
            layer.cross_attn.register_forward_hook(lambda _, __, out: (out[0] * mask[..., 0], out[1]))
            for layer in blind
        ]
        theirs = model(
            input_ids=ids, cross_attention_states=states, cross_attention_mask=mask, use_cache=False
        ).logits[0, -1]
        for hook in hooks:
            hook.remove()
    torch.testing.assert_close(packed, theirs, atol=1e-4, rtol=1e-4)


def test_vision_features_are_the_inputs_of_the_listed_blocks(base, pictures):
    """transformers 4.56 to 5.23 joins block outputs instead; Meta's reference joins inputs."""
    model, images = base.model, base.pixels(pictures[:1])
    seen = {}
    blocks = model.model.vision_model.transformer.layers
    hook = blocks[0].register_forward_hook(lambda _, __, out: seen.update(after_block_0=out))
    with torch.no_grad():
        projector, caught = model.model.multi_modal_projector, {}
        catch = projector.register_forward_pre_hook(lambda _, args: caught.update(features=args[0]))
        encode_images(model, images)
    hook.remove()
    catch.remove()
    width, patches = model.config.vision_config.hidden_size, 145
    stacked = caught["features"][0, 0, :, width:].reshape(patches, width, 2)
    torch.testing.assert_close(stacked[..., 0], seen["after_block_0"][0, :patches])


def test_the_vision_tower_never_gets_gradients_while_it_is_frozen(base, pictures):
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures))
    assert not states.requires_grad
    assert all(not weight.requires_grad for weight in base.model.parameters())


def test_the_picture_changes_the_answer_and_the_header_cannot_see_it(base, pictures):
    prefix, questions = ask(base, TEXTS[:1])
    from twelvelead.models.packed import packed_forward

    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:2]))
        batch = pack(prefix, [questions] * 2, pad=0)
        hidden = packed_forward(base.model, batch, states)
    header = len(prefix) - 1
    torch.testing.assert_close(hidden[0, :header], hidden[1, :header])
    assert not torch.allclose(hidden[0, header:], hidden[1, header:], atol=1e-4)


def test_gradients_of_packed_and_separate_answers_are_equal(base, pictures):
    prefix, questions = ask(base, TEXTS, "Yes")
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:1]))
    weight = base.model.model.language_model.layers[0].mlp.up_proj.weight.requires_grad_(True)
    answer_loss(base.model, pack(prefix, [questions], pad=0), states).backward()
    together = weight.grad.clone()
    weight.grad = None
    for question in questions:
        (answer_loss(base.model, pack(prefix, [[question]], pad=0), states) / len(questions)).backward()
    torch.testing.assert_close(together, weight.grad, atol=1e-6, rtol=1e-4)


def test_each_answer_counts_once_however_long_it_is(base, pictures):
    prefix, (short,) = ask(base, TEXTS[:1], "Yes")
    _, (long,) = ask(base, TEXTS[2:], "Yes Yes Yes Yes Yes Yes")
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:1]))
        both = answer_loss(base.model, pack(prefix, [[short, long]], pad=0), states)
        each = [answer_loss(base.model, pack(prefix, [[q]], pad=0), states) for q in (short, long)]
    torch.testing.assert_close(both, sum(each) / 2)


def test_labels_hold_the_answer_and_never_the_image_token(base):
    prefix, questions = ask(base, TEXTS, "Yes")
    batch = pack(prefix, [questions], pad=0)
    image = base.tokenizer.convert_tokens_to_ids("<|image|>")
    kept = batch.labels[batch.labels >= 0]
    yes, _ = base.verbalisers
    assert image not in kept
    assert kept.tolist() == [yes, base.tokenizer.eos_token_id] * 3
    assert [int(batch.labels[0, slot]) for slot in batch.slots[0]] == [yes] * 3


def test_pages_with_different_numbers_of_questions_can_be_trained_but_not_scored_together(base, pictures):
    prefix, questions = ask(base, TEXTS)
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:2]))
    with pytest.raises(ValueError, match="same number of questions"):
        logits_of(base, prefix, [questions, questions[:1]], states)


def test_begin_of_text_stands_once(base):
    prefix, question = base.question(messages(TEXTS[0], "Yes"))
    ids = [*prefix, *question.prompt, *question.answer]
    assert ids.count(base.tokenizer.bos_token_id) == 1
    assert isinstance(question, Question)
