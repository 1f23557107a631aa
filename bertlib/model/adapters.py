"""Tuning a little: LoRA (Hu et al., 2021, §4), adapters, prefixes, biases, the last layers or the head alone."""

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
from bertlib.model.dropout import Dropout, dropout
from bertlib.model.encoder import BertModel
from bertlib.model.frozen import FrozenLayers
from bertlib.model.heads import BertForEmbedding, TaskHead
from bertlib.model.init import init_weights
from bertlib.model.weights import ADAPTERS, ADDED, WEIGHTS, Stored, read_file, transformers_name, write_model

Head = TaskHead | BertForEmbedding
OWN, PREFIX = "bertlib.json", "base_model.model."  # a file of ours, and what peft puts before every name
OURS = "BERTLIB"  # in peft's place for its own word, where peft has no such method by the same formula
# What peft's adapter_config.json may say freely; whatever else is switched on there computes something else.
FREE = {"peft_version", "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "r"}
FREE |= {"lora_alpha", "lora_dropout", "target_modules", "modules_to_save", "megatron_core", "qalora_group_size"}
# Sets of layers that a recipe names, by the ends of their names in transformers.
TARGETS = {"attention": ("query", "value")}
TARGETS["all"] = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense")


# How a recipe calls the size of each other method; those without one have the head, or biases, alone.
SIZES = {"adapters": "rank", "prefix": "prefix_length", "last": "top_layers", "bitfit": None, "frozen": None}


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


@dataclass(frozen=True)
class Tuning:
    """What else may be put on an encoder. The head trains in each, and a pooler that came from no file.

    Where something learns in all layers, as with LoRA, the encoder's dropout acts in training as in the papers' code.
    Below what learns ("last", "frozen") layers stand in evaluation mode, and read each text once.

    Attributes:
        method: "adapters", see `Adapter`; all LayerNorms train too. "prefix", see `Prefix`. "bitfit", the biases alone
            (Ben Zaken et al., 2022). "last", the highest layers and the pooler. "frozen", the pooler.
        size: width of the adapters, tokens of the prefix, or how many layers are the last.
        whole, encoder: as of `LoRA`.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    method: str
    size: int = 8
    whole: tuple[str, ...] = ()
    encoder: str | None = None

    def __post_init__(self):
        if self.method not in SIZES:
            raise ValueError(f"method={self.method!r}: choose one of {', '.join(map(repr, SIZES))}")
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 1:
            raise ValueError(f"{SIZES[self.method] or 'size'}={self.size!r}: give a whole number of at least 1")
        if not isinstance(self.whole, tuple):
            raise ValueError(f"whole={self.whole!r}: give a tuple of names")


def from_recipe(recipe: Any, encoder: str | Path) -> LoRA | Tuning:
    """What the method of a `bertlib.train.recipe.Recipe` puts on an encoder of this name, or in this folder."""
    called = Path(encoder).resolve().name if Path(encoder).is_dir() else str(encoder)
    if recipe.method == "lora":
        return LoRA(recipe.rank, recipe.alpha, targets=TARGETS[recipe.targets], encoder=called)
    return Tuning(recipe.method, getattr(recipe, SIZES[recipe.method] or "", 1), encoder=called)


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


class Adapter(nn.Linear):
    """A linear layer with a bottleneck behind it: (..., in) -> (..., out); h becomes h + U gelu(D h + d) + u.

    It stands at the end of both sublayers, behind their dropout and before the sum with their input (Houlsby et al.,
    2019, §2.1). U and D start near zero, so that next to nothing is changed (google-research/adapter-bert).

    Attributes:
        down, up: (..., out) -> (..., size) and back; the layer's own weight and bias are not trained.
    """

    def __init__(self, linear: nn.Linear, size: int, dropout: float = 0.0):
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias, self.dropout = linear.weight, linear.bias, Dropout(dropout)
        self.down, self.up = nn.Linear(self.out_features, size), nn.Linear(size, self.out_features)
        for thin in (self.down, self.up):
            init_weights(thin, std=1e-3)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = self.dropout(F.linear(hidden, self.weight, self.bias))
        return hidden + self.up(F.gelu(self.down(hidden)))


class Prefix(nn.Linear):
    """The linear layer of an attention's keys or values, with learned rows before those of each text:
    (B, T, in) -> (B, P + T, out).

    Every token of a text looks at them as at P more tokens, in each layer (Li and Liang, 2021, §4; Liu et al., 2022).
    A text's own positions stay as they are. `put_on` has the encoder's mask widened. Only the rows, (P, out), train.
    """

    def __init__(self, linear: nn.Linear, size: int):
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.prefix = nn.Parameter(self.weight.new_empty(size, self.out_features).normal_(std=0.02))

    def forward(self, hidden: Tensor) -> Tensor:
        own = F.linear(hidden, self.weight, self.bias)
        return torch.cat([self.prefix.to(own.dtype).expand(len(own), -1, -1), own], dim=1)


def adapters_of(model: nn.Module) -> dict[str, LoRALinear]:
    """A model's layers with LoRA by name; none of a model without."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}


def tuning_of(model: nn.Module) -> LoRA | Tuning | None:
    """What was put on a model, if anything was."""
    return next((layer.lora for layer in adapters_of(model).values()), getattr(model, "tuning", None))


def lora_of(model: nn.Module) -> LoRA | Tuning:
    """What was put on a model; a ValueError if nothing was."""
    if (tuning := tuning_of(model)) is None:
        raise ValueError("the model has no adapters: they were never put on, or are merged already")
    return tuning


def encoder_of(model: nn.Module) -> tuple[str, BertModel]:
    """What its parameters' names begin with, and a model's encoder, which may be the model itself."""
    return ("bert.", model.bert) if hasattr(model, "bert") else ("", model)


def put_on(model: nn.Module, lora: LoRA | Tuning) -> None:
    """Put adapters on the encoder of a model, in place. From now on only these train, and what the encoder is not: the
    head, and a pooler that came from no file.

    LoRA leaves the encoder's own dropout as it is, as peft does: what learns stands in all its layers. Only the
    matrices A are drawn at random, from torch's generator. For the other methods see `Tuning`.

    Raises:
        ValueError: there are adapters already, no linear layer of the encoder is called like a target, the rank is
            above a layer's width, there are fewer layers, or nothing would train.
    """
    if tuning_of(model) is not None:
        raise ValueError("the model has adapters already: merge them first, or load the encoder again")
    inside, bert = encoder_of(model)
    fresh = getattr(model, "fresh", ())
    own = [name for name, _ in model.named_parameters() if name in fresh or not name.startswith(inside)]
    if isinstance(lora, LoRA):
        lora = replace(lora, whole=tuple(dict.fromkeys([*own, *lora.whole])))
        return unmerge(model, {name: LoRALinear(model.get_submodule(name), lora) for name in beside(model, lora)})
    method, size, layers = lora.method, lora.size, len(bert.layers)
    if size > (most := {"adapters": bert.config.hidden_size, "last": layers}.get(method, size)):
        raise ValueError(f"{SIZES[method]}={size}: the encoder has {most}; give at most {most}")
    last = "|".join(map(str, range(layers - size, layers)))
    parts = {"adapters": r"norm\.\w+$", "bitfit": r"\.bias$", "last": rf"^{inside}(pooler|layers\.({last}))\."}
    part = (parts | {"prefix": "^$", "frozen": rf"^{inside}pooler\."})[method]
    found = [name for name, _ in model.named_parameters() if re.search(part, name)]
    lora = replace(lora, whole=tuple(dict.fromkeys([*own, *found, *lora.whole])))
    if not lora.whole and method != "prefix":
        raise ValueError(f"method={method!r}: the model has no head, so nothing would train; choose another")
    model.tuning, bert.prefix_length, put = lora, size if method == "prefix" else 0, {}
    for number, layer in enumerate(bert.layers):
        inner = f"{inside}layers.{number}."
        if method == "adapters":
            for place in (f"{inner}attention.output", f"{inner}output"):
                put[place] = Adapter(model.get_submodule(place), size, layer.dropout.p)
            layer.dropout = nn.Identity()  # it is in front of the adapter now
        elif method == "prefix":
            for place in (f"{inner}attention.key", f"{inner}attention.value"):
                put[place] = Prefix(model.get_submodule(place), size)
    unmerge(model, put)
    if method in ("last", "frozen"):
        FrozenLayers(layers - size if method == "last" else layers).fix(bert)
    return None


def beside(model: nn.Module, lora: LoRA) -> list[str]:
    """The names of the linear layers of a model's encoder that the targets mean; see `put_on` for what is raised."""
    inside, _ = encoder_of(model)
    linears = {
        transformers_name(f"{name}.weight").removesuffix(".weight"): name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(inside)
    }
    chosen = []
    for target in lora.targets:
        found = [name for theirs, name in linears.items() if f".{theirs}".endswith(f".{target}")]
        if not found:
            known = sorted({re.sub(r"(bert\.)?(encoder\.layer\.\d+\.)?", "", theirs, count=1) for theirs in linears})
            raise ValueError(f"targets: the encoder has no linear layer {target!r}: there is {', '.join(known)}")
        for name in found:
            size = model.get_submodule(name).weight.shape
            if lora.rank > min(size):
                raise ValueError(f"rank={lora.rank}: {name} is {size[0]} × {size[1]}; give at most {min(size)}")
        chosen += found
    return list(dict.fromkeys(chosen))


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """What trains in a model with adapters, and is all that its folder holds, by name: A, B, the head."""
    whole = lora_of(model).whole
    return {name: p for name, p in model.named_parameters() if name in whole or any(part in name for part in ADDED)}


def merge(model: nn.Module) -> dict[str, LoRALinear]:
    """Add every adapter to its layer's matrix: the model is an ordinary one now, all of which trains, and computes the
    same in evaluation mode.

    Returns:
        The layers that were taken out, if any. `unmerge` puts them back, so the old matrices come back bit for bit.

    Raises:
        ValueError: there are no adapters (any more), or they are no part of any matrix ("adapters", "prefix").
    """
    layers, tuning = adapters_of(model), lora_of(model)
    if isinstance(tuning, Tuning) and tuning.method in ("adapters", "prefix"):
        raise ValueError(f"method={tuning.method!r}: no plain layer computes the same; save the small folder instead")
    model.tuning = encoder_of(model)[1].frozen = None
    for name, layer in layers.items():
        model.set_submodule(name, layer.merged())
    model.requires_grad_(True)
    return layers


def unmerge(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
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
    """Write a folder in peft's format: what was trained, and of the encoder no more than name and digest. Methods other
    than LoRA peft has not by these formulas: OURS says so.

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
    if isinstance(lora, LoRA):
        config |= {"r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout, "bias": "none"}
        config |= {"target_modules": lora.targets, "inference_mode": True}
    else:
        config |= {"peft_type": OURS, "method": lora.method, "size": lora.size}
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
    encoder_of(model)[1].frozen = None
    return model.eval()


def read_settings(values: Mapping[str, Any], head: type[Head]) -> LoRA | Tuning:
    """What an adapter_config.json says; a ValueError where that is no plain LoRA for this head, and not ours."""
    ours = values.get("peft_type") == OURS
    known = {"peft_type": (OURS if ours else "LORA",), "task_type": (head.peft_task, None)}
    known["init_lora_weights"] = (True, False, "gaussian")
    free = FREE | ({"method", "size"} if ours else set())
    for name, value in values.items():
        if name not in free and value not in known.get(name, (None, False, "none", {}, [])):
            wanted = known.get(name, ("nothing",))[0]
            raise ValueError(
                f"{name}={value!r}: a {head.__name__} reads plain LoRA, with {wanted!r} here; merge others with peft"
            )
    if ours:
        return Tuning(values.get("method"), values.get("size"), encoder=values.get("base_model_name_or_path"))
    targets = values.get("target_modules")
    targets = tuple(sorted(targets)) if isinstance(targets, list) else targets
    own = values.get("r"), values.get("lora_alpha"), values.get("lora_dropout", 0.0)
    return LoRA(*own, targets=targets, encoder=values.get("base_model_name_or_path"))
