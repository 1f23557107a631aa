"""An exported model, opened without torch: ONNX Runtime, tokenizers and numpy are enough."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from bertlib.files import read_json
from bertlib.serve.quantize import processor_units
from bertlib.text.answers import KEPT, Spans, decided, read_with_questions
from bertlib.text.inputs import encode_pairs, encode_texts, length_buckets, one_or_many
from bertlib.text.spans import best_tags
from bertlib.text.tokenizer import framing_ids, load_tokenizer
from bertlib.text.windows import cut_into_pieces, make_windows

MODEL, ABOUT, FORMAT = "model.onnx", "bertlib.json", 1
KINDS = ("classify", "match", "tag", "answer", "embed")
BATCH = 8  # of like length: what is read and written stays in a core's cache, and little is padded


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sealed(about: Mapping[str, Any]) -> str:
    """The digest of what a folder says of itself, its own digest aside."""
    return digest_of(json.dumps({k: v for k, v in about.items() if k != "digest"}, sort_keys=True).encode())


def read_export(folder: str | Path) -> tuple[dict[str, Any], bytes]:
    """What an exported folder says of itself, and its graph, each file as it was when it was exported.

    Raises:
        FileNotFoundError: a file is missing. ValueError: it is no exported folder, a newer release wrote it, or a file
            is another one now; the message names it.
    """
    folder, again = Path(folder), "export it again, with python -m bertlib export"
    about = read_json(folder / ABOUT)
    if "format" not in about or about.get("kind") not in KINDS:
        raise ValueError(f"{folder}: {ABOUT} is not that of an exported model; give a folder that export wrote")
    if about["format"] != FORMAT:
        raise ValueError(f"{folder}: form {about['format']!r} of exports, and this release reads {FORMAT}; {again}")
    if about.get("digest") != sealed(about):
        raise ValueError(f"{folder / ABOUT} was changed after the export; {again}")
    content = b""
    for name, digest in about["files"].items():
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing; {again}")
        content = (folder / name).read_bytes()
        if digest_of(content) != digest:
            raise ValueError(f"{folder / name} was changed after the export; {again}")
        if name == MODEL:
            graph = content
    return about, graph


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class Graph:
    """A tuned model that only predicts, with what its task's `predict` gives.

    Attributes:
        kind: classify, match, tag, answer or embed.
        labels: names, in id order. max_length: tokens that are read at a time.
        about: what the folder says of itself: kind, settings, precision, opset, versions, what was checked, digests.
        batch_size: inputs of like length that are computed at a time.
    """

    def __init__(self, about: dict[str, Any], tokenizer: Tokenizer, session: onnxruntime.InferenceSession):
        self.about, self.tokenizer, self.session, self.batch_size = about, tokenizer, session, BATCH
        self.kind, self.labels, self.settings = about["kind"], tuple(about["labels"]), about["settings"]
        self.max_length = self.settings["max_length"]

    @classmethod
    def load(cls, folder: str | Path, *, threads: int | None = None) -> Self:
        """Open a folder that `bertlib.serve.export.export` wrote.

        Args:
            threads: that compute one batch; None for one a core. Several processes share the cores: give each its part.

        Raises:
            FileNotFoundError, ValueError: see `read_export`; also where ONNX Runtime cannot open the graph.
        """
        if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
            raise ValueError(f"threads={threads!r}: give a whole number of at least 1, or None for all cores")
        about, graph = read_export(folder)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.log_severity_level = threads or 0, 3
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a server's other parts compute too
        try:
            session = onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own
            raise ValueError(
                f"{folder}: ONNX Runtime {onnxruntime.__version__} cannot open {MODEL}, of opset {about['opset']} "
                f"({error}); install a release that knows it"
            ) from error
        if about["precision"] == "int8" and about["bits"] == 8 and not processor_units():
            warnings.warn(
                f"{folder}: int8 with 8-bit weights, and this processor has no VNNI or dot-product unit: it adds "
                "products in pairs in 16 bits, which saturate, so that decisions may differ from those on other "
                "machines. Export it here again (weights get 7 bits), or as fp32",
                stacklevel=2,
            )
        return cls(about, load_tokenizer(folder), session)

    def logits(
        self, sequences: Sequence[Sequence[int]], segments: Sequence[Sequence[int]] | None = None
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Run token ids through the graph, grouped by length.

        Yields:
            Numbers of the sequences of a batch, and their logits, float32: (B, C), (B, T, C) or (B, D).
        """
        lengths, pad = np.array([len(ids) for ids in sequences]), self.settings["pad_token_id"]
        for chosen in length_buckets(lengths, self.batch_size):
            mask = np.arange(lengths[chosen].max()) < lengths[chosen, None]
            batch = {"input_ids": np.full(mask.shape, pad, np.int64), "attention_mask": mask.astype(np.int64)}
            batch["input_ids"][mask] = np.concatenate([sequences[number] for number in chosen])
            if segments is not None:
                batch["token_type_ids"] = np.zeros(mask.shape, np.int64)
                batch["token_type_ids"][mask] = np.concatenate([segments[number] for number in chosen])
            yield chosen, self.session.run(None, batch)[0]

    def predict(self, texts: Any, contexts: Any = None) -> Any:
        """What the task's `predict` gives: one input gives one result, several give a list in their order.

        Args:
            texts: a text, or several; of a matcher a pair, or several; of an answerer a question, or several.
            contexts: of an answerer the texts that hold the answers, one a question.

        Raises:
            ValueError: an input is blank, is no string, or does not fit; the message names it.
        """
        several, single = one_or_many(texts, pairs=self.kind == "match")
        if self.kind == "answer":
            given, alone = one_or_many(contexts)
            if single != alone or len(several) != len(given):
                raise ValueError(f"{len(several)} questions and {len(given)} contexts: give two texts, or lists alike")
            found = self._answer(several, given)
        elif self.kind == "tag":
            found = self._tag(several)
        else:
            found = self._embed_or_classify(several)
        return found[0] if single else found

    def _embed_or_classify(self, inputs: list) -> np.ndarray | list[dict]:
        if self.kind == "match":
            sequences, segments = encode_pairs(self.tokenizer, inputs, self.max_length)
        else:
            sequences, segments = encode_texts(self.tokenizer, inputs, self.max_length), None
        result = np.empty((len(inputs), self.about["outputs"]), np.float32)
        for chosen, logits in self.logits(sequences, segments):
            result[chosen] = logits
        if self.kind == "embed":
            return result
        return [{"label": self.labels[row.argmax()], "score": float(row.max())} for row in softmax(result)]

    def _tag(self, texts: list[str]) -> list[list[dict]]:
        (first, last), cut = framing_ids(self.tokenizer), cut_into_pieces(self.tokenizer, texts)
        windows = [window for window in make_windows(cut, self.max_length) if window.end > window.start]
        scores = [np.zeros((len(pieces.ids), len(self.labels)), np.float32) for pieces in cut]
        sequences = [[first, *cut[w.text].ids[w.start : w.end], last] for w in windows]
        for chosen, logits in self.logits(sequences) if sequences else ():
            for number, own in zip(chosen, np.log(np.maximum(softmax(logits), 1e-38))[:, 1:], strict=True):
                window, (start, end) = windows[number], windows[number].own
                scores[window.text][start:end] = own[start - window.start : end - window.start]
        found = []
        for text, pieces, own in zip(texts, cut, scores, strict=True):
            own = own[pieces.first_of_words()]
            tags = best_tags(own, self.labels) if self.settings["constrained"] else own.argmax(axis=-1)
            found.append(pieces.entities(text, own, tags, self.labels))
        return found

    def _answer(self, questions: list[str], contexts: list[str]) -> list[dict]:
        sequences, segments, readings, cut = read_with_questions(self.tokenizer, questions, contexts, self.max_length)
        found = [Spans(pieces, KEPT) for pieces in cut]
        for chosen, logits in self.logits(sequences, segments):
            for number, scores in zip(chosen, logits, strict=True):
                found[readings[number].row].add(readings[number], scores)
        threshold = self.settings["threshold"]
        rows = zip(found, contexts, strict=True)
        return [decided(spans.best(context), spans.nothing, context, threshold) for spans, context in rows]
