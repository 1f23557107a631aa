"""LoRA: the encoder stays as it is; beside chosen layers two thin matrices learn (Hu et al., 2021, §4)."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.files import read_json, write_folder
from bertlib.model.dropout import dropout
from bertlib.model.heads import LabelledHead
from bertlib.model.weights import ADAPTERS, WEIGHTS, Stored, read_file, transformers_name

OWN, PREFIX = "bertlib.json", "base_model.model."  # a file of ours, and what peft puts before every name
# What peft's adapter_config.json may say freely; whatever else is switched on there computes something else.
FREE = {"peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "r"}
FREE |= {"lora_alpha", "lora_dropout", "target_modules", "modules_to_save", "megatron_core", "qalora_group_size"}
KNOWN = {"peft_type": ("LORA",), "init_lora_weights": (True, False, "gaussian")}
FREE |= KNOWN.keys()


@dataclass(frozen=True)
class LoRA:
    """What is put on an encoder: W x becomes W x + (α / r) · B A x (Hu et al., 2021, §4.1).

    Attributes:
        rank: r, the rows of A and the columns of B.
        alpha: α; with it the step that the product takes does not depend on the rank chosen.
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
    targets: tuple[str, ...] = ("query", "value")
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
        self.train(linear.training)

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

    Dropout acts in the encoder while it trains, as without adapters: in the paper's runs and in peft it does, too. Of
    random numbers only the matrices A are drawn, from torch's generator.

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
            raise ValueError(
                f"targets: no linear layer of the encoder is called {target!r}: there is {', '.join(known)}"
            )
        chosen |= {name: model.get_submodule(name) for name in found}
    for name, linear in chosen.items():
        if lora.rank > min(linear.weight.shape):
            size = " × ".join(map(str, linear.weight.shape))
            raise ValueError(f"rank={lora.rank}: {name} is {size}; give at most {min(linear.weight.shape)}")
    fresh = getattr(model, "fresh", ())
    own = [name for name, _ in model.named_parameters() if name in fresh or not name.startswith(inside)]
    lora = replace(lora, whole=tuple(dict.fromkeys([*own, *lora.whole])))
    wear(model, {name: LoRALinear(linear, lora) for name, linear in chosen.items()})


def wear(model: nn.Module, layers: Mapping[str, LoRALinear]) -> None:
    """Put these layers in their places, and let nothing train but what `trained` gives."""
    for name, layer in layers.items():
        model.set_submodule(name, layer)
    model.requires_grad_(False)
    for parameter in trained(model).values():
        parameter.requires_grad = True


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
    """Undo `merge`, which gave the layers; what has become of the merged matrices since is dropped.

    Raises:
        ValueError: the model has adapters.
    """
    if adapters_of(model):
        raise ValueError("the model has adapters: there is nothing to unmerge")
    wear(model, layers)


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


def save_adapters(model: LabelledHead, folder: str | Path, settings: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Write a folder in peft's format: the adapters and the head, and of the encoder no more than name and digest.

    Args:
        settings: goes into bertlib.json, with the labels and the encoder's digest.

    Raises:
        OSError: no room, or writing failed; nothing half-written is left.
    """
    lora, kept = lora_of(model), trained(model)
    tensors = {PREFIX + peft_key(name): p.detach().float().cpu().contiguous() for name, p in kept.items()}
    config = {"peft_type": "LORA", "task_type": task_type(model), "base_model_name_or_path": lora.encoder}
    config |= {"r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout, "bias": "none"}
    config |= {"target_modules": lora.targets, "inference_mode": True}
    config["modules_to_save"] = sorted({transformers_name(name).rpartition(".")[0] for name in lora.whole})
    own = {**settings, "labels": model.config.labels, "encoder_digest": digest(model)}
    size = sum(tensor.nbytes for tensor in tensors.values())
    with write_folder(folder, size, without=("config.json", WEIGHTS)) as beside:
        for name, values in ((ADAPTERS[0], config), (OWN, own)):
            text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
            (beside / name).write_text(text, encoding="utf-8", newline="\n")
        safetensors.torch.save_file(tensors, beside / ADAPTERS[1], metadata={"format": "pt"})


def task_type(head: LabelledHead | type[LabelledHead]) -> str:
    """peft's word for a head."""
    return "SEQ_CLS" if head.pooled else "TOKEN_CLS"


def load_adapters(head: type[LabelledHead], stored: Stored, folder: str | Path) -> LabelledHead:
    """The encoder of one folder with the adapters and the head of another, which `save_adapters` or peft wrote.

    Every tensor must find its place. A folder of ours knows its encoder by the digest; in one of peft's only names and
    shapes tell. Its classes are called as the encoder's folder calls them, if it has as many, or LABEL_0, LABEL_1, …

    Raises:
        FileNotFoundError: a file is missing. ValueError: the adapters are another encoder's or task's, are no plain
            LoRA, or the head is missing.
    """
    folder = Path(folder)
    values, tensors = read_json(folder / ADAPTERS[0]), read_file(folder / ADAPTERS[1])
    tensors = {key.removeprefix(PREFIX): tensor for key, tensor in tensors.items()}
    own = read_json(folder / OWN) if (folder / OWN).is_file() else {}
    if "classifier.weight" not in tensors:
        raise ValueError(f"{folder} lacks the head (classifier.weight): save it too, in peft by modules_to_save")
    rows, labels = len(tensors["classifier.weight"]), own.get("labels") or stored.config().labels
    if len(labels) != rows:
        labels = [f"LABEL_{number}" for number in range(rows)]
    model = head.from_pretrained(stored, labels=labels)
    names = {peft_key(name): name for name, _ in model.named_parameters()}
    try:
        lora = read_settings(values, head)
        put_on(model, replace(lora, whole=tuple(names[key] for key in tensors if key in names)))
    except ValueError as error:
        raise ValueError(f"{folder / ADAPTERS[0]} does not go with {stored.folder}: {error}") from error
    wanted = {peft_key(name): parameter for name, parameter in trained(model).items()}
    problems = [f"{key} is missing" for key in wanted.keys() - tensors.keys()]
    problems += [f"{key} is left over" for key in tensors.keys() - wanted.keys()]
    for key in wanted.keys() & tensors.keys():
        if wanted[key].shape != tensors[key].shape:
            problems.append(f"{key} is {tuple(tensors[key].shape)}, not {tuple(wanted[key].shape)}")
    known, given = own.get("encoder_digest"), digest(model)
    if not problems and known not in (None, given):
        problems = [f"they were trained on weights with the digest {known:.12}…, and these have {given:.12}…"]
    if problems:
        raise ValueError(
            f"{folder}: the adapters do not fit {stored.folder}: {min(problems)}. Give encoder=, the folder of what "
            f"they were trained on ({lora.encoder})"
        )
    with torch.no_grad():
        for key, parameter in wanted.items():
            parameter.copy_(tensors[key])
    return model.eval()


def read_settings(values: Mapping[str, Any], head: type[LabelledHead]) -> LoRA:
    """What an adapter_config.json says; a ValueError where that is something else than plain LoRA for this head."""
    odd = [name for name, value in values.items() if name not in FREE and value not in (None, False, "none", {}, [])]
    odd += [name for name, known in KNOWN.items() if values.get(name, known[0]) not in known]
    if odd:
        raise ValueError(
            f"{odd[0]}={values[odd[0]]!r}: bertlib reads plain LoRA; merge it with peft, and open the result"
        )
    if values.get("task_type") not in (None, task_type(head)):
        raise ValueError(
            f"task_type={values['task_type']!r}: a {head.__name__} has {task_type(head)!r}; open it as its own"
        )
    targets = values.get("target_modules")
    targets = tuple(sorted(targets)) if isinstance(targets, list) else targets
    own = values.get("r"), values.get("lora_alpha"), values.get("lora_dropout", 0.0)
    return LoRA(*own, targets=targets, encoder=values.get("base_model_name_or_path"))
