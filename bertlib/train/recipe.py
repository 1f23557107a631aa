"""How a model is trained: one small set of numbers, each with its reason, checked once."""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Self

CHOICES = {"precision": ("auto", "fp32", "bf16"), "targets": ("attention", "all")}
CHOICES["method"] = ("full", "last", "bitfit", "adapters", "prefix", "lora", "frozen")
OF = {"rank": ("lora", "adapters"), "alpha": ("lora",), "targets": ("lora",)}  # what some methods alone have
OF |= {"prefix_length": ("prefix",), "top_layers": ("last",)}


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run. Tasks bring their own defaults and take each field as a keyword too.

    Attributes:
        epochs: passes over the data.
        learning_rate: the peak, reached after warm-up; None for what suits the encoder.
        batch_size: examples a batch.
        accumulation: batches an update, over all processes together.
        warmup: share of all updates over which the rate rises from 0.
        weight_decay: decoupled, on matrices only.
        max_grad_norm: gradients are scaled down to this norm.
        precision: "auto", "fp32" or "bf16"; see `bertlib.device.pick_dtype`.
        seed: of new weights, the order of the data and dropout.
        method: "full" trains all weights; each other the head and a part: "last" the highest layers, "bitfit" the
            biases, "adapters" bottlenecks behind attention and feed-forward, "prefix" rows before keys and values,
            "lora" thin matrices beside the encoder's, "frozen" the pooler; see `bertlib.model.adapters`.
        rank: of lora, r, what it adds being scaled by alpha / rank; of adapters, their width.
        alpha: of lora.
        targets: where lora stands: "attention", beside query and value; "all", beside every linear layer.
        prefix_length: of prefix, rows in each layer.
        top_layers: of last, how many layers train.

    Raises:
        ValueError: a value is out of its range; the message names the field, the value and the remedy.
    """

    epochs: int = 3  # Devlin et al., 2019, A.3 search 2 to 4
    learning_rate: float | None = None  # no single value suits all: 2e-5 to 5e-5 there, small BERTs more
    batch_size: int = 32  # A.3: 16 or 32; the larger one wastes less of a processor
    accumulation: int = 1  # more only where a batch does not fit into memory
    warmup: float = 0.1  # as google-research/bert fine-tunes; without it the first updates undo what was learned
    weight_decay: float = 0.01  # A.2
    max_grad_norm: float = 1.0  # google-research/bert, optimization.py: clip_by_global_norm
    precision: str = "auto"  # bf16 where the device gains by it, measured
    seed: int = 0
    method: str = "full"
    rank: int = 8  # microsoft/LoRA, examples/NLU: 8 and 16 for RoBERTa; Hu et al., 2021, §7.2: more gains little
    alpha: float = 16.0
    targets: str = "attention"  # Hu et al., 2021, §7.1; "all" comes closer to full tuning in few epochs (lesson 10)
    prefix_length: int = 16
    top_layers: int = 2

    def __post_init__(self):
        sizes = (("rank", 1), ("prefix_length", 1), ("top_layers", 1))
        for name, least in (("epochs", 1), ("batch_size", 1), ("accumulation", 1), ("seed", 0), *sizes):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}={value!r}: give a whole number of at least {least}")
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate!r}: give a number above 0, such as 2e-5")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup={self.warmup!r}: give the share of updates, at least 0 and below 1")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay={self.weight_decay!r}: give a number of at least 0, such as 0.01")
        if not self.max_grad_norm > 0:
            raise ValueError(f"max_grad_norm={self.max_grad_norm!r}: give a number above 0")
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha={self.alpha!r}: give a number above 0, such as twice the rank")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r}: choose one of {', '.join(map(repr, known))}")
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, methods in OF.items():
            if self.method not in methods and getattr(self, name) != defaults[name]:
                told = " or ".join(map(repr, methods))
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: give method={told} too, which alone has such a thing"
                )

    def but(self, **settings) -> Self:
        """The same recipe with some settings changed.

        Raises:
            TypeError: there is no such setting; the message names those that are written nearly so.
            ValueError: a value is out of its range.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in settings:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=3) or known
                raise TypeError(f"{name}={settings[name]!r} is no setting: there is {', '.join(near)}")
        return dataclasses.replace(self, **settings)


@dataclass(frozen=True)
class PretrainingRecipe(Recipe):
    """What pretraining adds. A run is counted in updates; `epochs` follows from them.

    Attributes:
        updates: of the optimizer; rounded up to a multiple of evaluate_every.
        evaluate_every: updates between evaluations (and checkpoints); None for a tenth of all.
        max_length: tokens a pair may have.
        probability, whole_words: see `bertlib.text.masking.mask_tokens`.
        packing: several short pairs in a row; see `bertlib.text.pair_stream.PretrainingData`.
        dropout: while training, in place of what the start says, which the model has again in the end; None for the
            start's own.
        good_start: give new weights a start that saves a small model most of its plateau; see `bertlib.model.starts`.
        recompute: less memory for more time; see `bertlib.BertModel`.
        compile: have torch compile each layer, which takes up to a minute at the start.

    Raises:
        ValueError: a value is out of its range; the message names the field, the value and the remedy.
    """

    updates: int = 10_000
    evaluate_every: int | None = None
    max_length: int = 128  # BERT's for 90 % of its updates, then 512 (A.2)
    probability: float = 0.15  # Devlin et al., 2019, §3.1
    whole_words: bool = False
    packing: bool = False
    dropout: float | None = None  # 0 is best for a run that sees nothing often
    good_start: bool = True
    recompute: bool = False
    compile: bool = False  # worth a try on a GPU; on the CPUs that we measured it never paid for itself

    def __post_init__(self):
        super().__post_init__()
        if self.method != "full":
            raise ValueError(f"method={self.method!r}: pretraining makes an encoder, all of which trains; give 'full'")
        for name in ("updates", "evaluate_every"):
            value = getattr(self, name)
            if not (value is None and name == "evaluate_every") and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name}={value!r}: give a whole number of at least 1")

    def in_rounds(self) -> Self:
        """The same with evaluate_every a number, updates a multiple of it, and an epoch for each evaluation."""
        every = min(self.updates, self.evaluate_every or math.ceil(self.updates / 10))
        rounds = math.ceil(self.updates / every)
        return self.but(evaluate_every=every, epochs=rounds, updates=rounds * every)


# What each task starts from: one set of defaults for functions and commands.
RECIPES = {
    "classify": Recipe(),
    "match": Recipe(),
    "answer": Recipe(epochs=2),  # Devlin et al., 2019, §4.3: 2 and 3 on SQuAD
    "embed": Recipe(epochs=1, learning_rate=2e-5),  # Reimers and Gurevych, 2019, §3.1; of an encoder that learned it
    "tag": Recipe(epochs=4),  # one more: there are fewer entities than texts
    # From random weights: as many passes as help, each over few histories; what is kept is the best on validation.
    "items": Recipe(epochs=50, learning_rate=3e-3, batch_size=128),
    # From random weights, as "items"; the texts are many and short.
    "translate": Recipe(epochs=18, learning_rate=1e-3, batch_size=64),
    "pretrain": PretrainingRecipe(),
}
