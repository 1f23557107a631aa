"""Weights: fresh ones, and those from and to transformers folders, every key and every shape accounted for."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from bertlib.files import read_json, write_folder
from bertlib.model.config import BertConfig
from bertlib.model.init import init_weights

ModelType = TypeVar("ModelType", bound=nn.Module)
# Our names and transformers'. Where a line has `{i}`, it holds for every layer.
NAMES = {
    "embeddings.norm": "embeddings.LayerNorm",
    "layers.{i}.attention.query": "encoder.layer.{i}.attention.self.query",
    "layers.{i}.attention.key": "encoder.layer.{i}.attention.self.key",
    "layers.{i}.attention.value": "encoder.layer.{i}.attention.self.value",
    "layers.{i}.attention.output": "encoder.layer.{i}.attention.output.dense",
    "layers.{i}.attention_norm": "encoder.layer.{i}.attention.output.LayerNorm",
    "layers.{i}.cross.query": "encoder.layer.{i}.crossattention.self.query",
    "layers.{i}.cross.key": "encoder.layer.{i}.crossattention.self.key",
    "layers.{i}.cross.value": "encoder.layer.{i}.crossattention.self.value",
    "layers.{i}.cross.output": "encoder.layer.{i}.crossattention.output.dense",
    "layers.{i}.cross_norm": "encoder.layer.{i}.crossattention.output.LayerNorm",
    "layers.{i}.intermediate": "encoder.layer.{i}.intermediate.dense",
    "layers.{i}.output": "encoder.layer.{i}.output.dense",
    "layers.{i}.output_norm": "encoder.layer.{i}.output.LayerNorm",
    "mlm": "cls.predictions",
    "mlm.dense": "cls.predictions.transform.dense",
    "mlm.norm": "cls.predictions.transform.LayerNorm",
    "nsp": "cls.seq_relationship",
}
# What a checkpoint may carry on top of the encoder, each as a whole or not at all.
HEADS = ("cls.predictions.", "cls.seq_relationship.", "classifier.", "qa_outputs.")
# Models whose head reads the pooler. Every other may come without one: trained with MLM alone, with a head on every
# token, or saved as BertModel(add_pooling_layer=False).
WITH_POOLER = {
    "BertForPreTraining",
    "BertForNextSentencePrediction",
    "BertForSequenceClassification",
    "BertForMultipleChoice",
}
# The MLM decoder is the token table and the head's bias; some files hold these a second time.
TIED = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"  # which tensor stands in which file, where there are several
ADDED = (".lora_", ".down.", ".up.", ".prefix")  # in the names of what `bertlib.model.adapters` adds to an encoder
ADAPTERS = ("adapter_config.json", "adapter_model.safetensors")  # peft's, for weights that lie in another folder


def transformers_name(name: str) -> str:
    """The name that transformers gives to a parameter of ours, e.g. `layers.0.output.bias` of a bare encoder."""
    prefix = "bert." if name.startswith("bert.") else ""
    module, _, kind = name.removeprefix(prefix).rpartition(".")
    layer = re.match(r"layers\.(\d+)\.", module)
    if layer:
        ours = module.replace(layer[0], "layers.{i}.", 1)
        plain = re.sub(r"\.(down|up)$", "", ours)  # of an adapter
        theirs = NAMES[plain].replace("{i}", layer[1]) + ours.removeprefix(plain)
    else:
        theirs = NAMES.get(module, module)
    return f"{prefix}{theirs}.{kind}"


def encoder_key(key: str) -> str:
    """A checkpoint's key without what differs between its makers: the `bert.` prefix, TensorFlow's gamma and beta."""
    key = key.removeprefix("bert.")
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", key))


def weight_files(folder: str | Path) -> list[Path]:
    """The files with a folder's weights: model.safetensors, or else those that model.safetensors.index.json names.

    Raises:
        FileNotFoundError: there is no such file (pickled pytorch_model.bin files are not read: they can run code), or
            one that the index names is not there. ValueError: the index is damaged.
    """
    path, index = Path(folder) / WEIGHTS, Path(folder) / INDEX
    if path.is_file():
        return [path]
    if not index.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; bertlib reads safetensors only. Open the folder with transformers and "
            "save_pretrained it again to convert a pytorch_model.bin"
        )
    places = read_json(index).get("weight_map")
    if not places or not isinstance(places, dict):
        raise ValueError(f"{index}: has no weight_map; fetch it again")
    names = sorted({str(name) for name in places.values()})
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ValueError(f"{index}: weight_map names {name!r}, which is no safetensors file beside it")
        if not (Path(folder) / name).is_file():
            raise FileNotFoundError(
                f"{Path(folder) / name}: no such file; it is one of the {len(names)} parts of the weights that {INDEX} "
                "names: fetch it, too"
            )
    return [Path(folder) / name for name in names]


def read_tensors(folder: str | Path) -> dict[str, Tensor]:
    """All tensors of a folder's safetensors files, on the CPU, in their own dtype."""
    return {name: tensor for path in weight_files(folder) for name, tensor in read_file(path).items()}


def read_file(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file; a ValueError that names it where it is damaged."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; fetch the whole folder")
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"{path}: damaged ({error}); fetch it again") from error


@dataclass(frozen=True)
class Stored:
    """A model folder, read once: where it lies, config.json, and the tensors, on the CPU in their own dtype."""

    folder: Path
    values: dict[str, Any]
    tensors: dict[str, Tensor]

    def config(self, labels: Sequence[str] | None = None, *, classes_matter: bool = False) -> BertConfig:
        """The model's shape, with these labels or else the file's own.

        Where no class matters, names of classes that cannot be read are passed over.
        """
        try:
            return BertConfig.from_values(self.values, self.folder, labels)
        except ValueError:
            if classes_matter or labels is not None:
                raise
            return BertConfig.from_values(self.values, self.folder, ())

    def classes(self) -> int:
        """How many classes the stored classifier has; 0 if there is none."""
        weight = self.tensors.get("classifier.weight")
        return 0 if weight is None else weight.size(0)


def read_model(folder: str | Path | Stored) -> Stored:
    """Read config.json and the weights of a transformers folder; what was read already is given back."""
    if isinstance(folder, Stored):
        return folder
    values = read_json(Path(folder) / "config.json")
    BertConfig.from_values(values, folder, ())  # what is no BERT is refused before its weights are looked for
    return Stored(Path(folder), values, read_tensors(folder))


class FromFolder:
    """Models that come from a transformers folder and go into one."""

    has_classes = False  # whether config.json has to say what its classes are

    @classmethod
    def from_pretrained(cls, folder: str | Path | Stored) -> Self:
        """Load a transformers folder. A head that it lacks is left fresh; see `bertlib.model.weights.load_model`."""
        return load_model(cls, folder)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a transformers folder; see `bertlib.model.weights.save_model`."""
        save_model(self, folder)


def load_model(
    model_class: type[ModelType],
    folder: str | Path | Stored,
    config: BertConfig | None = None,
    *,
    keep_classifier: bool | None = None,
) -> ModelType:
    """Build a model and fill it from a transformers folder. Every tensor of the file must find its place.

    The weights become float32 whatever the file holds. (transformers 5 keeps the file's type, so that a checkpoint in
    float16 is trained in float16 there, its fresh head too, unless it is given dtype=torch.float32.)

    The encoder must be complete. A head may be absent as a whole: it is then left freshly initialised (which is what
    fine-tuning starts from), and so may the pooler of a model that never had one; `model.fresh` lists the parameters
    that did not come from the file. Heads of other tasks in the file are passed over.

    Args:
        folder: holds config.json and model.safetensors, or its parts with their index; or what `read_model` gave.
        config: to use instead of the folder's, e.g. with other labels.
        keep_classifier: whether the file's classifier is the one that is wanted; None: it is if it has config's labels.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a tensor is missing, left over or of another shape; the message names it.
    """
    read = read_model(folder)
    folder = read.folder
    stored_config = read.config(classes_matter=config is None and model_class.has_classes)
    stored = {encoder_key(key): tensor for key, tensor in read.tensors.items()}
    if len(stored) < len(read.tensors):
        raise ValueError(f"{folder}: some tensors occur under two names (with and without 'bert.'); save it again")
    for constant in ("position_ids", "token_type_ids"):  # 0, 1, 2, … and 0, 0, 0, …: older files carry them along
        stored.pop(f"embeddings.{constant}", None)
    for copy, original in TIED.items():
        twin = stored.pop(copy, None)
        if twin is not None and original not in stored:
            stored[original] = twin
        elif twin is not None and not torch.equal(twin, stored[original]):
            raise ValueError(
                f"{folder}: {copy} differs from {original}: bertlib ties them, as BERT does; give such a model"
            )

    if config is None:
        config = stored_config
    if keep_classifier is None:
        keep_classifier = config.labels == stored_config.labels
    if not keep_classifier:  # the file's classifier is another task's: a fresh one is wanted
        stored = {key: tensor for key, tensor in stored.items() if not key.startswith("classifier.")}
    with torch.device("meta"):  # shapes only: most weights come from the file
        model = model_class(config)

    wanted = {encoder_key(transformers_name(name)): (name, parameter) for name, parameter in model.state_dict().items()}
    missing = sorted(wanted.keys() - stored.keys())
    absent = tuple(head for head in HEADS if not any(key.startswith(head) for key in stored))
    kinds = read.values.get("architectures") or ()
    if not any(key.startswith(("pooler.", "cls.seq_relationship.")) for key in stored) and (
        "cls.predictions.bias" in stored or not WITH_POOLER.intersection(kinds)
    ):
        absent += ("pooler.",)
    lost = [key for key in missing if not key.startswith(absent)]
    unused = HEADS if "pooler.dense.weight" in wanted else (*HEADS, "pooler.")
    extra = sorted(key for key in stored.keys() - wanted.keys() if not key.startswith(unused))
    misshapen = [
        f"{key} is {tuple(stored[key].shape)}, not {tuple(parameter.shape)}"
        for key, (_, parameter) in wanted.items()
        if key in stored and stored[key].shape != parameter.shape
    ]
    problems = [f"{key} is missing" for key in lost] + [f"{key} is left over" for key in extra] + misshapen
    if problems:
        shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise ValueError(
            f"{folder}: the weights do not fit {model_class.__name__} as config.json describes it: {shown}. Check that "
            "config.json and model.safetensors belong together, and fetch them again"
        )
    model.fresh = [wanted[key][0] for key in missing]
    for owner in sorted({name.rpartition(".")[0] for name in model.fresh}):  # sorted: random draws need an order
        init_weights(model.get_submodule(owner).to_empty(device="cpu", recurse=False), config.initializer_range)
    model.load_state_dict(
        {name: stored[key].float() for key, (name, _) in wanted.items() if key in stored}, strict=False, assign=True
    )
    return model.eval()


def model_files(
    model: nn.Module, extra_files: Mapping[str, str] | None = None
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What a transformers folder of this model holds: text files by name, and float32 tensors under their names."""
    tensors = {
        transformers_name(name): tensor.detach().float().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    values = model.config.to_dict() | {"architectures": [type(model).__name__], "dtype": "float32"}
    config = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    return {"config.json": config, **(extra_files or {})}, tensors


def write_model(folder: Path, files: Mapping[str, str], tensors: Mapping[str, Tensor], weights: str = WEIGHTS) -> None:
    """Write what `model_files` gave into an existing folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    safetensors.torch.save_file(dict(tensors), folder / weights, metadata={"format": "pt"})


def save_model(model: nn.Module, folder: str | Path, *, extra_files: Mapping[str, str] | None = None) -> None:
    """Write config.json and model.safetensors as transformers reads them, in float32.

    The folder is made, or its model is replaced in one step; extra files are more text files for it, by name.

    Raises:
        OSError: no room, or writing failed. Nothing half-written is left, and a model that was there stays.
        ValueError: the model has adapters, or layers that lost heads.
    """
    files, tensors = model_files(model, extra_files)
    if any(len(tensor) < model.config.hidden_size for name, tensor in tensors.items() if ".query.weight" in name):
        raise ValueError("layers have lost heads, which no config.json can say: export the model, or keep its heads")
    if any(part in name for name in tensors for part in ADDED):
        raise ValueError("the model has adapters: merge them first, or save them alone; see bertlib.model.adapters")
    size = sum(tensor.nbytes for tensor in tensors.values()) + sum(len(text.encode()) for text in files.values())
    with write_folder(folder, size, without=ADAPTERS) as beside:  # transformers would add them to these weights
        write_model(beside, files, tensors)


def count_parameters(model: nn.Module) -> int:
    """How many numbers a model learns; a tensor used twice counts once."""
    return sum(parameter.numel() for parameter in model.parameters())
