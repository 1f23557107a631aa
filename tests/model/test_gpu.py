"""On a GPU: the same outputs and gradients as transformers and as the CPU, in float32 and bf16, compiled and packed.

    pytest tests/model/test_gpu.py

Everywhere else these tests are skipped: no machine of `make test` needs a GPU.
"""

import time

import numpy as np
import pytest
import torch
import transformers
from keywords import train
from test_parity import gradient_gaps, random_inputs, random_shape, randomise

from bertlib import BertConfig, BertForPreTraining
from bertlib.device import autocast, pick_device, pick_dtype
from bertlib.tasks.classify import fine_tune
from bertlib.tasks.pretrain import pretrain
from bertlib.text.pair_stream import PretrainingData

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
GPU = torch.device("cuda")


@pytest.fixture(autouse=True)
def full_float32(monkeypatch):
    """No TensorFloat-32: its products are right to three digits only."""
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


def both_sides(seed, folder, attention="eager"):
    """The same random pretraining model, ours and transformers', on the GPU, and a padded batch with labels."""
    shape = random_shape(seed) | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = transformers.BertConfig(**shape)
    theirs = randomise(transformers.BertForPreTraining._from_config(config, attn_implementation=attention))
    theirs.save_pretrained(folder)
    inputs = random_inputs(shape, seed)
    rng = np.random.default_rng(seed)
    selected = torch.from_numpy(rng.random(inputs["input_ids"].shape) < 0.3) & inputs["attention_mask"].bool()
    selected[:, 0] = True
    inputs["labels"] = inputs["input_ids"].where(selected, torch.tensor(-100))
    inputs["next_sentence_label"] = torch.arange(len(selected)) % 2
    return (
        BertForPreTraining.from_pretrained(folder).to(GPU),
        theirs.to(GPU),
        {name: value.to(GPU) for name, value in inputs.items()},
    )


def test_the_gpu_is_picked_with_bf16():
    assert pick_device().type == "cuda"
    assert pick_dtype(GPU) == torch.bfloat16


@pytest.mark.parametrize("seed", range(20))
def test_losses_and_gradients_are_transformers(seed, tmp_path):
    ours, theirs, inputs = both_sides(seed, tmp_path)
    gaps = gradient_gaps(ours.double(), theirs.double(), inputs)
    assert max(gaps.values()) <= 1e-5, max(gaps, key=gaps.get)


@pytest.mark.parametrize("seed", range(5))
def test_single_precision(seed, tmp_path):
    ours, theirs, inputs = both_sides(seed, tmp_path, attention="sdpa")
    with torch.no_grad():
        mine, reference = ours(**inputs), theirs(**inputs)
    assert abs(mine.loss - reference.loss) <= 1e-5 * abs(reference.loss)
    selected = inputs["labels"] != -100
    assert (mine.prediction_logits - reference.prediction_logits[selected]).abs().max() <= 1e-4
    assert (mine.seq_relationship_logits - reference.seq_relationship_logits).abs().max() <= 1e-5


@pytest.mark.parametrize("seed", range(5))
def test_bf16_is_as_near_as_transformers_own(seed, tmp_path):
    """Rounding to bf16 moves our loss no further from float32 than it moves transformers'."""
    ours, theirs, inputs = both_sides(seed, tmp_path, attention="sdpa")
    with torch.no_grad():
        exact = theirs(**inputs).loss.item()
        with autocast(GPU, torch.bfloat16):
            moved = [abs(model(**inputs).loss.item() - exact) / exact for model in (ours, theirs)]
    assert moved[0] <= max(2 * moved[1], 0.02), moved


def documents(count=60, seed=0):
    rng = np.random.default_rng(seed)
    words = ["the", "and", "of", "good", "bad", "bank", "share", "goal", "match", "team"]
    return [[" ".join(rng.choice(words, size=rng.integers(3, 9))) for _ in range(6)] for _ in range(count)]


def losses_of(tokenizer, device, **settings):
    """Six updates' losses of a tiny model."""
    packing, compiled = settings.pop("packing", False), settings.pop("compiled", False)
    data = PretrainingData(documents(), tokenizer, max_length=24, batch_size=8, packing=packing, show_progress=False)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=data.vocab_size,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=24,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForPreTraining(config).to(device)
    if compiled:
        for layer in model.bert.layers:
            layer.compile(dynamic=True)
    history = train(
        model,
        lambda epoch: [data.batch(number) for number in range(6)],
        epochs=1,
        learning_rate=1e-3,
        show_progress=False,
        **{"precision": "fp32"} | settings,
    )
    return [row["loss"] for row in history.updates]


def test_training_is_the_cpus(tokenizer):
    assert losses_of(tokenizer, GPU) == pytest.approx(losses_of(tokenizer, torch.device("cpu")), rel=1e-4)


def test_two_runs_are_one(tokenizer):
    assert losses_of(tokenizer, GPU, precision="bf16") == losses_of(tokenizer, GPU, precision="bf16")


@pytest.mark.parametrize("way", [{"accumulation": 2}, {"packing": True}, {"compiled": True}])
def test_every_way_to_train_is_the_cpus(way, tokenizer):
    assert losses_of(tokenizer, GPU, **way) == pytest.approx(
        losses_of(tokenizer, torch.device("cpu"), **way | {"compiled": False}), rel=1e-3
    )


def test_jobs_run_there(tiny_folder, tiny_dataset, tokenizer, tmp_path):
    settings = {"epochs": 8, "learning_rate": 4e-3, "batch_size": 8, "max_length": 24, "show_progress": False}
    classifier = fine_tune(tiny_dataset, encoder=tiny_folder, **settings)
    assert next(classifier.model.parameters()).is_cuda
    assert classifier.evaluate(tiny_dataset["test"])["accuracy"] > 0.8
    result = pretrain(
        documents(), documents(10, seed=1), start=tiny_folder, tokenizer=tokenizer, updates=4, batch_size=4,
        max_length=24, out=tmp_path / "run", recompute=True, show_progress=False,
    )  # fmt: skip
    assert np.isfinite(result.history.epochs[-1]["mlm_loss"])
    assert result.fill_mask("the good [MASK] .")


def test_batches_of_new_lengths_cost_no_more():
    """cuDNN's attention plans each shape anew, which took twice the time of the step itself."""
    config = BertConfig(vocab_size=1000, hidden_size=768, num_hidden_layers=4, num_attention_heads=12)
    model = BertForPreTraining(config).to(GPU)
    ids = torch.randint(5, 1000, (64, 200), device=GPU)

    def seconds(length):
        part, start = ids[:, :length], time.perf_counter()
        mask = torch.ones_like(part)
        mask[0, -1] = 0
        with autocast(GPU, torch.bfloat16):
            loss = model(part, mask, labels=part.where(mask.bool(), -100)).loss
        loss.backward()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    same = [seconds(128) for _ in range(10)][2:]
    assert np.median([seconds(length) for length in range(100, 128)]) < 1.5 * np.median(same)
