"""LoRA: the encoder stays as it is; beside chosen layers two thin matrices learn (Hu et al., 2021, §4)."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.files import read_json, write_folder
from bertlib.model.dropout import dropout
from bertlib.model.heads import BertForEmbedding, TaskHead
from bertlib.model.weights import ADAPTERS, WEIGHTS, Stored, read_file, transformers_name, write_model

Head = TaskHead | BertForEmbedding
OWN, PREFIX = "bertlib.json", "base_model.model."  # a file of ours, and what peft puts before every name
# What peft's adapter_config.json may say freely; whatever else is switched on there computes something else.
FREE = {"peft_version", "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "r"}
FREE |= {"lora_alpha", "lora_dropout", "target_modules", "modules_to_save", "megatron_core", "qalora_group_size"}
# Sets of layers that a recipe names, by the ends of their names in transformers.
TARGETS = {"attention": ("query", "value")}
TARGETS["all"] = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense")


@dataclass(frozen=True)
class LoRA:
    """What is put on an encoder: W x becomes W x + (α / r) · B A x (Hu et al., 2021, §4.1).

    Attributes:
        rank: r, the rows of A and the columns of B.
        alpha: α; with α / r as the scale, less has to be tuned anew for another rank (§4.1).
        dropout: on the input of A, in training.
        targets: linear layers, by the end of their names in transformers, as in peft: query, key, value,
            attention.output.dense, intermediate.dense, output.dense, pooler.dense.
        whole: names of further parameters that are trained as they are; `put_on` adds the head's.
        encoder: what the encoder is called; it goes into the folder.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = TARGETS["attention"]
    whole: tuple[str, ...] = ()
    encoder: str | None = None

    def __post_init__(self):
        if not isinstance(self.rank, int) or isinstance(self.rank, bool) or self.rank < 1:
            raise ValueError(f"rank={self.rank!r}: give a whole number of at least 1, such as 8")
        if not isinstance(self.alpha, (int, float)) or not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha={self.alpha!r}: give a number above 0, such as twice the rank")
        if not isinstance(self.dropout, (int, float)) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout!r}: give a probability of at least 0 and below 1")
        if not isinstance(self.targets, tuple) or not self.targets:
            raise ValueError(f"targets={self.targets!r}: give a tuple of names, such as ('query', 'value')")


class LoRALinear(nn.Linear):
    """A linear layer with its adapter: (..., in) -> (..., out).

    Attributes:
        weight, bias: the layer's own, (out, in) and (out,); they are shared with it, and not trained.
        lora_A, lora_B: (r, in), drawn as in peft, and (out, r), zeros, so that nothing is changed at the start.
    """

    def __init__(self, linear: nn.Linear, lora: LoRA):
        nn.Module.__init__(self)
        self.in_features, self.out_features, self.lora = linear.in_features, linear.out_features, lora
        self.weight, self.bias = linear.weight, linear.bias
        self.lora_A = nn.Parameter(self.weight.new_empty(lora.rank, self.in_features))
        self.lora_B = nn.Parameter(self.weight.new_zeros(self.out_features, lora.rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    @property
    def scaled_B(self) -> Tensor:
        return self.lora.alpha / self.lora.rank * self.lora_B

    def forward(self, hidden: Tensor) -> Tensor:
        thin = F.linear(dropout(hidden, self.lora.dropout if self.training else 0.0), self.lora_A)
        return F.linear(hidden, self.weight, self.bias) + F.linear(thin, self.scaled_B)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """A plain layer that computes the same: its matrix is W + (α / r) · B A."""
        plain = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        plain.weight = nn.Parameter(self.weight + self.scaled_B @ self.lora_A)
        plain.bias = None if self.bias is None else nn.Parameter(self.bias.clone())
        return plain.train(self.training)


def adapters_of(model: nn.Module) -> dict[str, LoRALinear]:
    """A model's layers with adapters by name; none of a model without."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}


def lora_of(model: nn.Module) -> LoRA:
    """What was put on a model; a ValueError if nothing was."""
    for layer in adapters_of(model).values():
        return layer.lora
    raise ValueError("the model has no adapters: they were never put on, or are merged already")


def put_on(model: nn.Module, lora: LoRA) -> None:
    """Put adapters on the encoder of a model, in place. From now on only these train, and what the encoder is not: the
    head, and a pooler that came from no file.

    The encoder's own dropout acts in training as it does without adapters, and as in peft: what learns stands in all
    its layers. Only the matrices A are drawn at random, from torch's generator.

    Raises:
        ValueError: there are adapters already, no linear layer of the encoder is called like a target, or the rank is
            above a layer's width.
    """
    if adapters_of(model):
        raise ValueError("the model has adapters already: merge them first, or load the encoder again")
    inside = "bert." if hasattr(model, "bert") else ""
    linears = {
        transformers_name(f"{name}.weight").removesuffix(".weight"): name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(inside)
    }
    chosen = {}
    for target in lora.targets:
        found = [name for theirs, name in linears.items() if f".{theirs}".endswith(f".{target}")]
        if not found:
            known = sorted({re.sub(r"(bert\.)?(encoder\.layer\.\d+\.)?", "", theirs, count=1) for theirs in linears})
            raise ValueError(f"targets: the encoder has no linear layer {target!r}: there is {', '.join(known)}")
        for name in found:
            chosen[name] = model.get_submodule(name)
            size = chosen[name].weight.shape
            if lora.rank > min(size):
                raise ValueError(f"rank={lora.rank}: {name} is {size[0]} × {size[1]}; give at most {min(size)}")
    fresh = getattr(model, "fresh", ())
    own = [name for name, _ in model.named_parameters() if name in fresh or not name.startswith(inside)]
    lora = replace(lora, whole=tuple(dict.fromkeys([*own, *lora.whole])))
    unmerge(model, {name: LoRALinear(linear, lora) for name, linear in chosen.items()})


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """What trains in a model with adapters, and is all that its folder holds, by name: A, B, the head."""
    lora = lora_of(model)
    return {name: p for name, p in model.named_parameters() if ".lora_" in name or name in lora.whole}


def merge(model: nn.Module) -> dict[str, LoRALinear]:
    """Add every adapter to its layer's matrix: the model is an ordinary one now, all of which trains, and computes the
    same in evaluation mode.

    Returns:
        The layers that were taken out. `unmerge` puts them back, so the old matrices come back bit for bit.

    Raises:
        ValueError: there are no adapters (any more).
    """
    layers, _ = adapters_of(model), lora_of(model)
    for name, layer in layers.items():
        model.set_submodule(name, layer.merged())
    model.requires_grad_(True)
    return layers


def unmerge(model: nn.Module, layers: Mapping[str, LoRALinear]) -> None:
    """Put layers with adapters in their places, such as `merge` gave them, and let nothing else of the encoder train.

    What has become of merged matrices since is dropped.
    """
    for name, layer in layers.items():
        model.set_submodule(name, layer.train(model.training))
    model.requires_grad_(False)
    for parameter in trained(model).values():
        parameter.requires_grad = True


def peft_key(name: str) -> str:
    """The name of one of our parameters in peft's file, without its prefix."""
    return transformers_name(name) + (".weight" if ".lora_" in name else "")


def digest(model: nn.Module) -> str:
    """SHA-256 of all that adapters leave as it is, float32, in the order of transformers' names."""
    kept, sha = trained(model), hashlib.sha256()
    fixed = {transformers_name(name): p for name, p in model.named_parameters() if name not in kept}
    for name in sorted(fixed):
        sha.update(f"{name} {tuple(fixed[name].shape)}\n".encode())
        sha.update(fixed[name].detach().float().cpu().contiguous().numpy())
    return sha.hexdigest()


def save_adapters(model: Head, folder: str | Path, settings: Mapping[str, Any] | None = None) -> None:
    """Write a folder in peft's format: the adapters and the head, and of the encoder no more than name and digest.

    Args:
        settings: goes into bertlib.json, with the labels and the encoder's digest.

    Raises:
        OSError: no room, or writing failed; nothing half-written is left.
    """
    lora, kept = lora_of(model), trained(model)
    inside = "" if model.output else "bert."  # see load_adapters
    tensors = {
        PREFIX + peft_key(name).removeprefix(inside): p.detach().float().cpu().contiguous() for name, p in kept.items()
    }
    config = {"peft_type": "LORA", "task_type": model.peft_task, "base_model_name_or_path": lora.encoder}
    config |= {"r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout, "bias": "none"}
    config |= {"target_modules": lora.targets, "inference_mode": True}
    config["modules_to_save"] = sorted({transformers_name(name).rpartition(".")[0] for name in lora.whole})
    own = {**(settings or {}), "labels": model.config.labels, "encoder_digest": digest(model)}
    files = {name: json.dumps(values, indent=2) + "\n" for name, values in ((ADAPTERS[0], config), (OWN, own))}
    size = sum(tensor.nbytes for tensor in tensors.values())
    with write_folder(folder, size, without=("config.json", WEIGHTS)) as beside:
        write_model(beside, files, tensors, ADAPTERS[1])


def load_adapters(head: type[Head], stored: Stored, folder: str | Path) -> Head:
    """The encoder of one folder with the adapters and the head of another, which `save_adapters` or peft wrote.

    Every tensor must find its place. A folder of ours knows its encoder by the digest; in one of peft's only names and
    shapes tell. Its classes are called as the encoder's folder calls them, if it has as many, or LABEL_0, LABEL_1, …

    Raises:
        FileNotFoundError: a file is missing. ValueError: the adapters are another encoder's or task's, are no plain
            LoRA, or the head is missing.
    """
    folder = Path(folder)
    values, tensors = read_json(folder / ADAPTERS[0]), read_file(folder / ADAPTERS[1])
    inside = "" if head.output else "bert."  # a head without weights is the bare encoder to peft
    tensors = {inside + key.removeprefix(PREFIX): tensor for key, tensor in tensors.items()}
    own = read_json(folder / OWN) if (folder / OWN).is_file() else {}
    weight, misfit = f"{head.output}.weight", f"{folder / ADAPTERS[0]} does not go with {stored.folder}"
    try:
        lora = read_settings(values, head)
    except ValueError as error:
        raise ValueError(f"{misfit}: {error}") from error
    if head.output and weight not in tensors:
        raise ValueError(f"{folder} lacks the head ({weight}): save it too, in peft by modules_to_save")
    rows, named = len(tensors.get(weight, ())), own.get("labels") or stored.config().labels
    labels = named if len(named) == rows else [f"LABEL_{number}" for number in range(rows)]
    model = head.from_pretrained(stored, labels=labels)
    names = {peft_key(name): name for name, _ in model.named_parameters()}
    try:
        put_on(model, replace(lora, whole=tuple(names[key] for key in tensors if key in names)))
    except ValueError as error:
        raise ValueError(f"{misfit}: {error}") from error
    wanted = {peft_key(name): parameter for name, parameter in trained(model).items()}
    here, there = ({key: tuple(tensor.shape) for key, tensor in side.items()} for side in (wanted, tensors))
    here["encoder_digest"] = digest(model)
    there["encoder_digest"] = own.get("encoder_digest", here["encoder_digest"])
    for key in sorted(here | there):
        if here.get(key) != there.get(key):
            raise ValueError(
                f"{folder}: its adapters do not fit {stored.folder}: {key} is {there.get(key, 'missing')} there, and "
                f"{here.get(key, 'unknown')} here. Give encoder=, what they were trained on ({lora.encoder})"
            )
    with torch.no_grad():
        for key, parameter in wanted.items():
            parameter.copy_(tensors[key])
    return model.eval()


def read_settings(values: Mapping[str, Any], head: type[Head]) -> LoRA:
    """What an adapter_config.json says; a ValueError where that is something else than plain LoRA for this head."""
    known = {"peft_type": ("LORA",), "task_type": (head.peft_task, None)}
    known["init_lora_weights"] = (True, False, "gaussian")
    for name, value in values.items():
        if name not in FREE and value not in known.get(name, (None, False, "none", {}, [])):
            wanted = known.get(name, ("nothing",))[0]
            raise ValueError(
                f"{name}={value!r}: a {head.__name__} reads plain LoRA, with {wanted!r} here; merge others with peft"
            )
    targets = values.get("target_modules")
    targets = tuple(sorted(targets)) if isinstance(targets, list) else targets
    own = values.get("r"), values.get("lora_alpha"), values.get("lora_dropout", 0.0)
    return LoRA(*own, targets=targets, encoder=values.get("base_model_name_or_path"))
