"""A tuned model as a folder that opens without torch: a graph, its tokenizer, its labels, and digests of all that."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

import bertlib
from bertlib.files import read_json, write_folder
from bertlib.model.adapters import adapters_of, merge
from bertlib.model.weights import ADAPTERS
from bertlib.serve.graph import ABOUT, FORMAT, MODEL, Graph, digest_of, sealed
from bertlib.serve.operators import OPSET, written_out
from bertlib.serve.quantize import suited_bits
from bertlib.tasks.answer import Answerer
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.embed import Embedder
from bertlib.tasks.match import PairClassifier
from bertlib.tasks.tag import EntityTagger
from bertlib.tasks.task import Task
from bertlib.text.tokenizer import tokenizer_files

TASKS: dict[str, type[Task]] = {"classify": TextClassifier, "match": PairClassifier, "tag": EntityTagger}
TASKS |= {"answer": Answerer, "embed": Embedder}
CLOSE = 1e-5  # how far logits in fp32 may be from torch's, by their size where that is above 1
SENTENCES = (
    "The council met on Monday.",
    "Shares of the bank fell by four per cent after the results were published in London.",
    "Two goals in the last ten minutes won the match for the visitors.",
    "Nobody knows why.",
    "A new phone reads aloud what stands on signs and menus, in eleven languages, its makers say.",
    "The film opens in spring; Anna Weber plays a doctor in a small town by the sea.",
)


def kind_of(folder: str | Path) -> str:
    """Which task a folder is of, by what stands in it.

    Raises:
        ValueError: that does not say; the message asks for the kind.
    """
    folder, heads = Path(folder), {}
    if (folder / ADAPTERS[0]).is_file():
        said = read_json(folder / ADAPTERS[0]).get("task_type")
        heads = {task.head.peft_task: kind for kind, task in reversed(TASKS.items())}
    else:
        said = next(iter(read_json(folder / "config.json").get("architectures") or ()), None)
        heads = {task.head.__name__: kind for kind, task in reversed(TASKS.items())} | {"BertModel": "embed"}
    kind = heads.get(said)
    columns = read_json(folder / ABOUT).get("text", ()) if (folder / ABOUT).is_file() else ()
    if kind == "classify" and len(columns) == 2 and list(columns) != ["title", "text"]:
        if list(columns) != list(PairClassifier.columns):
            raise ValueError(
                f"{folder} reads the columns {', '.join(columns)}: give kind='match' for pairs, or 'classify'"
            )
        kind = "match"
    if kind is None:
        raise ValueError(
            f"{folder}: its head is {said}; give kind= one of {', '.join(TASKS)}, or a folder of such a task"
        )
    return kind


def export(
    source: str | Path | Task,
    out: str | Path,
    *,
    int8: bool = False,
    kind: str | None = None,
    texts: Sequence[Any] | None = None,
    bits: int | None = None,
) -> dict[str, Any]:
    """Write a tuned model as a graph for ONNX Runtime, with free batch and length, and check it against torch.

    Adapters are merged into it, dropout is none of it, whatever mode the model is in. `Graph.load` opens the folder.

    Args:
        source: a folder that a task's `save` wrote, or the task; it stays as it is.
        out: the folder to write: a new one, or an earlier export.
        int8: matrices and the token table in whole numbers: a quarter of the size, decisions that may differ.
        kind: classify, match, tag, answer or embed; None for what the folder says.
        texts: as the task's `predict` takes them (of an answerer pairs of question and context), on which decisions are
            compared; None for some sentences.
        bits: of a weight in int8: 8 or 7; None for what suits this processor, see `quantize.suited_bits`.

    Returns:
        What `Graph.about` holds. In "checked": how many texts, the largest difference of their logits from torch's, and
        "flips", how many decisions differ (of an embedder: the smallest cosine with torch's vectors).

    Raises:
        ValueError: the kind is unknown, out holds something else, or the graph computes something else than the model.
        OSError: no room, or writing failed; nothing half-written is left.
    """
    task = source if isinstance(source, Task) else None
    if task is None:
        kind = kind or kind_of(source)
        if kind not in TASKS:
            raise ValueError(f"kind={kind!r}: give one of {', '.join(TASKS)}")
        task = TASKS[kind].load(source)
    kind = next((name for name, cls in TASKS.items() if type(task) is cls), None)
    if kind is None:
        raise ValueError(f"{type(task).__name__} is none of the tasks that are exported: {', '.join(TASKS)}")
    if (Path(out) / "config.json").is_file():
        raise ValueError(f"{out} holds a model that can be trained: give another folder for its graph")
    task = copy.copy(task)
    task.model = copy.deepcopy(task.model).cpu().eval()
    if adapters_of(task.model):
        merge(task.model)
    bits = (suited_bits() if bits is None else bits) if int8 else None
    pairs = kind in ("match", "answer")
    written = written_out(task.model, segments=pairs, bits=bits)
    files = {name: text.encode() for name, text in tokenizer_files(task.tokenizer, task.cuts_at()).items()}
    files[MODEL] = written.SerializeToString()
    settings = {name: getattr(task, name) for name in task.kept if name != "text"}
    packages = {package.__name__: package.__version__ for package in (onnx, onnxruntime, torch)}
    about = {"format": FORMAT, "kind": kind, "labels": list(task.labels), "precision": "int8" if int8 else "fp32"}
    about |= {"bits": bits, "opset": OPSET, "settings": settings | {"pad_token_id": task.model.config.pad_token_id}}
    about |= {"outputs": written.graph.output[0].type.tensor_type.shape.dim[-1].dim_value}
    about |= {"versions": {"bertlib": bertlib.__version__} | packages}
    about["files"] = {name: digest_of(content) for name, content in files.items()}
    with write_folder(out, sum(map(len, files.values())), without=(ABOUT, *files)) as beside:
        for name, content in files.items():
            (beside / name).write_bytes(content)
        write_about(beside, about)
        graph = Graph.load(beside)
        about["checked"] = compared(task, graph, texts)
        largest = about["checked"]["largest_difference"]
        if not int8 and not largest <= CLOSE:
            raise ValueError(
                f"the graph's logits differ from the model's by {largest:.1e}: the model computes something that is no "
                "part of an encoder with its head, such as adapters that cannot be merged; train it as a whole, or LoRA"
            )
        write_about(beside, about)
    return about


def write_about(folder: Path, about: dict[str, Any]) -> None:
    about["digest"] = sealed(about)
    (folder / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def compared(task: Task, graph: Graph, texts: Sequence[Any] | None) -> dict[str, Any]:
    """How far a graph is from its task: logits on batches of mixed lengths, and decisions on texts."""
    rng, config, largest = np.random.default_rng(0), task.model.config, 0.0
    longest = min(task.max_length, config.max_position_embeddings)
    for rows, length in ((1, 3), (5, longest // 2 + 2), (3, longest)):
        lengths = [length, *rng.integers(3, length + 1, rows - 1)]
        mask = (np.arange(length) < np.array(lengths)[:, None]).astype(np.int64)
        given = {"input_ids": rng.integers(0, config.vocab_size, mask.shape), "attention_mask": mask}
        if graph.kind in ("match", "answer"):
            given["token_type_ids"] = (np.arange(length) > length // 2) * mask
        with torch.inference_mode():
            theirs = task.model(**{name: torch.from_numpy(ids) for name, ids in given.items()}).logits.numpy()
        off, size = graph.session.run(None, given)[0] - theirs, max(1.0, float(np.abs(theirs).max()))
        if off.ndim == 3:
            off = off[mask > 0]
        largest = max(largest, float(np.abs(off).max()) / size)
    if texts is None:
        texts = [f"{first} {second}" for first in SENTENCES for second in SENTENCES]
        if graph.kind in ("match", "answer"):
            texts = [(first.split()[0], text) for first in SENTENCES for text in texts[::5]]  # a word fits everywhere
    given = list(zip(*texts, strict=True)) if graph.kind == "answer" else [list(texts)]
    ours, theirs = (side.predict(*map(list, given)) for side in (graph, task))
    told = {"texts": len(ours), "largest_difference": largest}
    if graph.kind == "embed":
        return told | {"smallest_cosine": float((ours * theirs).sum(axis=1).min())}
    flips = sum(
        decision(graph.kind, one) != decision(graph.kind, other) for one, other in zip(ours, theirs, strict=True)
    )
    return told | {"flips": flips}


def decision(kind: str, result: Any) -> Any:
    """What of a result is decided, without the score."""
    if kind == "tag":
        return [(one["type"], one["start"], one["end"]) for one in result]
    decided: Mapping[str, Any] = result
    return decided["label"] if kind != "answer" else (decided["start"], decided["end"])
