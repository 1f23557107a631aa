"""Machines of lesson 02: where the parameters lie when a config is moved, and what LayerNorm leaves of a vector."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.diagrams.drawing import Drawing
from bertcourse.diagrams.encoder import parameter_areas
from bertcourse.machines.frame import Machine
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel

CHOICES = {
    "layers": list(range(1, 25)),
    "width": list(range(64, 1025, 64)),
    "vocabulary": [1000, 8192, 30_522, 60_000, 119_547],
    "inner": list(range(256, 4097, 256)),
}
FIELDS = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "vocabulary": "vocab_size",
    "inner": "intermediate_size",
}
PARTS = {  # how the names of a model's parameters begin -> part
    "embeddings.norm": "tables' LayerNorm",
    "embeddings": "tables",
    "pooler": "pooler",
    "attention_norm": "layers' LayerNorms",
    "output_norm": "layers' LayerNorms",
    "attention": "attention",
    "intermediate": "feed-forward",
    "output": "feed-forward",
}
LARGEST_NUMBER, STEP = 12, 0.5  # of a vector's numbers, on the sliders
SMALLEST_POWER = -8  # of ten, by which they are multiplied


def counted(config: BertConfig) -> dict[str, int]:
    """The parameters of an encoder by part, counted in a model without numbers in it."""
    with torch.device("meta"):
        model = BertModel(config)
    found = dict.fromkeys(dict.fromkeys(PARTS.values()), 0)
    for name, parameter in model.named_parameters():
        inside = name.split(".", 2)[2] if name.startswith("layers.") else name
        part = next(part for start, part in PARTS.items() if inside.startswith(start))
        found[part] += parameter.numel()
    return found


def parameters_moved(config: BertConfig, smaller: BertConfig, name: str) -> Machine:
    """Layers, width, vocabulary and inner width moved: the parameters of each part, and of all.

    Args:
        config: where the sliders stand at first; each of the four sizes is one of `CHOICES`.
        smaller: the encoder whose number of parameters is to be reached by the width alone.
        name: of the smaller one, in words.

    Raises:
        ValueError: a size of the config is not on its slider, or the width alone does not reach that number, or
            another slider does as well.
    """
    config = dataclasses.replace(config, num_attention_heads=1)  # heads only cut: with one, every width will do
    base = {key: getattr(config, field) for key, field in FIELDS.items()}
    for key, value in base.items():
        if value not in CHOICES[key]:
            raise ValueError(f"{FIELDS[key]}={value}: give one of {CHOICES[key]}")
    goal = sum(counted(smaller).values())
    least = {
        key: sum(counted(dataclasses.replace(config, **{FIELDS[key]: CHOICES[key][0]})).values()) for key in CHOICES
    }
    reaching = [key for key, total in least.items() if total < goal]
    if reaching != ["width"]:
        raise ValueError(
            f"{reaching or 'no slider'} brings the config below {goal:,} parameters: give a smaller encoder that the "
            "width alone reaches"
        )
    data = {
        "base": {key: CHOICES[key].index(value) for key, value in base.items()},
        "choices": CHOICES,
        "positions": config.max_position_embeddings,
        "segments": config.type_vocab_size,
        "goal": goal,
        "name": name,
    }
    question = (
        f"{name} has {goal:,} parameters. Only one of the four sliders, moved while the other three stay where they "
        f"are, brings this encoder below that number. Which one?"
    )
    return Machine(
        "parameters_moved", "An encoder's parameters, moved", question, data, parameter_areas(counted(config))
    )


def layer_norm_moved(vector: Tensor, eps: float) -> Machine:
    """A vector's numbers moved one by one, or all made tiny: what LayerNorm gives, with gain 1 and bias 0.

    Args:
        vector: (D,), 3 to 6 numbers in halves from -12 to 12.
        eps: of the LayerNorm.

    Raises:
        ValueError: the vector has another size, a number that is not on the sliders or nothing but one number, or eps
            is not above 0.
    """
    numbers = [float(number) for number in vector.tolist()]
    if not 3 <= len(numbers) <= 6 or any(abs(n) > LARGEST_NUMBER or n % STEP for n in numbers):
        raise ValueError(f"vector={numbers}: give 3 to 6 numbers from -{LARGEST_NUMBER} to {LARGEST_NUMBER}, in halves")
    if len(set(numbers)) == 1 or not eps > 0:
        raise ValueError(f"vector={numbers}, eps={eps}: give numbers that differ, and an eps above 0")
    normed = F.layer_norm(torch.tensor(numbers, dtype=torch.float64), (len(numbers),), eps=eps).tolist()
    data = {"numbers": numbers, "eps": eps, "largest": LARGEST_NUMBER, "step": STEP, "smallest": SMALLEST_POWER}
    told = ", ".join(f"{number:.3f}" for number in normed)
    picture = Drawing(
        f"The vector ({', '.join(f'{n:g}' for n in numbers)}) has the mean {sum(numbers) / len(numbers):g}; behind "
        f"LayerNorm it is ({told})."
    )
    for row, (name, values, places) in enumerate((("the vector", numbers, "g"), ("behind LayerNorm", normed, ".3f"))):
        y = 16 + 56 * row
        drawn = [f"{value:{places}}".replace("-", "−") for value in values]
        picture.text(14, y + 18, name, align="start")
        picture.grid(178, y, [drawn], (368 / len(numbers), 36), tone=lambda i, j, r=row: ("grey", "blue")[r])
    question = (
        "Leave the last slider at 1. Find other numbers for which LayerNorm gives the same result, to three decimals. "
        "(To move all of them by the same amount does not count.) What may be done to a vector without LayerNorm "
        "noticing?"
    )
    return Machine("layer_norm_moved", "What LayerNorm leaves of a vector", question, data, picture)
