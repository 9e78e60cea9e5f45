import json

import pytest

torch = pytest.importorskip("torch")

from twelvelead.errors import SetupError
from twelvelead.instruct.sample import messages
from twelvelead.models import lora
from twelvelead.models.packed import bare, encode_images, pack, slot_logits
from twelvelead.params import TrainLora

SMALL = TrainLora(rank=4, alpha=8)


def shake(model):
    """LoRA starts as the identity; give it something to say."""
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(weight.data, std=0.05)


def test_adapters_sit_on_language_layers_only_unless_vision_is_asked_for(base):
    names = lora.targets(base.model, vision=False)
    assert names
    assert all(name.startswith("model.language_model.layers.") for name in names)
    both = lora.targets(base.model, vision=True)
    assert set(names) < set(both)
    assert any("global_transformer" in name for name in both)


def test_adapters_are_never_on_lm_head_or_embed_tokens(base):
    model = lora.attach(base.model, TrainLora(rank=4, alpha=8, vision=True))
    adapted = [name for name, _ in model.named_parameters() if ".lora_" in name]
    assert adapted
    assert not any(part in name for name in adapted for part in ("lm_head", "embed_tokens"))
    trains = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert sorted(trains) == sorted(adapted)


def test_a_trainable_base_weight_is_refused(base):
    model = lora.attach(base.model, SMALL)
    bare(model).lm_head.weight.requires_grad_(True)
    with pytest.raises(SetupError, match="base weight would be trained"):
        lora.assert_only_adapters_train(model)


def test_an_adapter_on_lm_head_is_refused_by_looking_at_the_built_model(base):
    import peft

    with lora._known_noise():
        model = peft.get_peft_model(base.model, peft.LoraConfig(r=2, target_modules=["lm_head"]))
    with pytest.raises(SetupError, match="lm_head"):
        lora.assert_only_adapters_train(model)


def test_a_saved_adapter_holds_no_base_weight_and_scores_the_same_when_loaded(
    base, base_folder, pictures, tmp_path
):
    from twelvelead.models.mllama import load_base

    model = lora.attach(base.model, SMALL)
    shake(model)
    prefix, question = base.question(messages("Is the rhythm regular?", ""))
    batch = pack(prefix, [[question]], pad=0)
    with torch.no_grad():
        states = encode_images(bare(model), base.pixels(pictures[:1]))
        before = slot_logits(bare(model.eval()), batch, states)
    lora.save(model, tmp_path, base_path="models/x", base_sha256=base.sha256)
    from safetensors import safe_open

    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as saved:
        keys = list(saved.keys())
    assert keys
    assert all("lora_" in key and "lm_head" not in key and "embed_tokens" not in key for key in keys)
    again = load_base(str(base_folder))
    loaded = lora.load(again.model, tmp_path, base_sha256=again.sha256)
    with torch.no_grad():
        torch.testing.assert_close(slot_logits(bare(loaded), batch, states), before)
    assert json.loads((tmp_path / "modules.json").read_text())["modules"] == sorted(
        lora.targets(load_base(str(base_folder)).model, vision=False)
    )
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "models/x"
    assert config["target_modules"] == sorted(config["target_modules"]), "the same bytes from every process"


def test_an_adapter_of_another_base_is_refused(base, tmp_path):
    lora.save(lora.attach(base.model, SMALL), tmp_path, base_path="x", base_sha256="0" * 64)
    with pytest.raises(SetupError, match="another base"):
        lora.load(base.model, tmp_path, base_sha256=base.sha256)


def test_the_frozen_hash_sees_base_weights_and_not_adapters(base):
    plain = lora.frozen_sha256(base.model)
    model = lora.attach(base.model, SMALL)
    shake(model)
    assert lora.frozen_sha256(model) == plain
    with torch.no_grad():
        bare(model).lm_head.weight[0, 0] += 1
    assert lora.frozen_sha256(model) != plain


@pytest.mark.parametrize("kind", [{"rslora": True}, {"dora": True}, {"projector": True, "vision": True}])
def test_every_kind_of_adapter_saves_loads_and_merges_to_the_same_scores(
    base, base_folder, pictures, tmp_path, kind
):
    import transformers

    from twelvelead.models.mllama import load_base

    model = lora.attach(base.model, SMALL.model_copy(update=kind))
    shake(model)
    prefix, question = base.question(messages("Is the rhythm regular?", ""))
    batch, images = pack(prefix, [[question]], pad=0), base.pixels(pictures[:1])

    def scores(of):
        with torch.no_grad():
            return slot_logits(bare(of.eval()), batch, encode_images(bare(of), images))

    before = scores(model)
    lora.save(model, tmp_path / "adapter", base_path="x", base_sha256=base.sha256)
    again = load_base(str(base_folder))
    loaded = lora.load(again.model, tmp_path / "adapter", base_sha256=again.sha256)
    torch.testing.assert_close(scores(loaded), before)
    lora.merge(loaded, tmp_path / "merged", base_folder)
    merged = transformers.MllamaForConditionalGeneration.from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(scores(merged), before, atol=2e-3, rtol=1e-3)
    whole = load_base(str(tmp_path / "merged"))  # tokenizer and image processor came along
    assert whole.sha256 != again.sha256


def test_rslora_and_lora_differ_in_scale_alone(base, base_folder):
    from twelvelead.models.mllama import load_base

    plain = lora.attach(base.model, SMALL)
    stable = lora.attach(load_base(str(base_folder)).model, SMALL.model_copy(update={"rslora": True}))
    scales = [
        next(m.scaling["default"] for m in model.modules() if hasattr(m, "lora_A"))
        for model in (plain, stable)
    ]
    assert scales == [8 / 4, 8 / 2]


def test_the_projector_is_adapted_only_when_asked_for(base):
    assert "model.multi_modal_projector" not in lora.targets(base.model, vision=True)
    assert lora.targets(base.model, projector=True)[-1] == "model.multi_modal_projector"
