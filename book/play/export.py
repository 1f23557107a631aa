"""What the page Play computes with, made from this course's checkpoint: a graph, its weights, and the vocabulary.

The graph is written node by node, and not traced from torch: so the switches of the page are inputs of it, and what
stands at each place of the diagram is an output. The weights travel in 16-bit numbers, as the checkpoint has them, and
the page widens them to the 32 bits that it computes in: nothing is lost. (The runtime could widen them, too, but takes
most of a second for it.)
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from bertlib.model.heads import BertForPreTraining
from bertlib.text.tokenizer import load_tokenizer

CHECKPOINT = Path(__file__).resolve().parents[2] / "data" / "bbc_bert"
OPSET, IR = 20, 10  # the first with Gelu, and the file format that goes with it
UNKNOWN = "\ufffd"  # stands for every character that the vocabulary does not have


class Graph:
    """Nodes and weights as they are added; each call gives the name of what it computes."""

    def __init__(self):
        self.nodes, self.initializers, self.outputs = [], [], []
        self.weights: list[np.ndarray] = []  # in 16 bits
        self.stored = 0  # numbers in them

    def constant(self, name: str, values: list[int] | int | float) -> str:
        """Numbers that stand in the graph itself."""
        kind = np.float32 if isinstance(values, float) else np.int64
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=kind), name))
        return name

    def weight(self, name: str, values: np.ndarray) -> str:
        """A weight of the model; the graph says where it lies in the file of all weights, once that is widened.

        Raises:
            ValueError: it does not fit into 16 bits.
        """
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            raise ValueError(f"{name} is not stored in 16 bits: give a checkpoint whose dtype is float16")
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": "weights", "offset": 4 * self.stored, "length": 4 * half.size}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.initializers.append(tensor)
        self.weights.append(half)
        self.stored += half.size
        return name

    def add(self, kind: str, *inputs: str, name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def show(self, name: str, *shape: int | str) -> str:
        """Make it an output of the graph."""
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def linear(self, name: str, hidden: str, layer) -> str:
        """(T, in) -> (T, out)."""
        weight = self.weight(f"{name}.weight", layer.weight.numpy().T)
        return self.add("Gemm", hidden, weight, self.weight(f"{name}.bias", layer.bias.numpy()), name=name)

    def norm(self, name: str, hidden: str, layer) -> str:
        gain, bias = (self.weight(f"{name}.{part}", getattr(layer, part).numpy()) for part in ("weight", "bias"))
        return self.add("LayerNormalization", hidden, gain, bias, name=name, axis=-1, epsilon=layer.eps)


def attention(graph: Graph, name: str, hidden: str, layer, head_gates: str, mask_bias: str) -> str:
    """(T, D) -> (T, D): `MultiHeadSelfAttention` for one text, with a gate on what each head gives."""
    heads, width = layer.num_heads, layer.query.in_features // layer.num_heads
    split = graph.constant(f"{name}.split", [0, heads, width])
    merged = graph.constant(f"{name}.merged", [0, heads * width])
    scale = graph.constant(f"{name}.scale", 1 / math.sqrt(width))
    by_head = {}
    for part, order in (("query", (1, 0, 2)), ("key", (1, 2, 0)), ("value", (1, 0, 2))):
        whole = graph.show(graph.linear(f"{name}.{part}", hidden, getattr(layer, part)), "T", heads * width)
        if part == "query":  # fewer numbers than the scores have, and as exact: the scale is a power of two
            whole = graph.add("Mul", whole, scale, name=f"{name}.{part}.scaled")
        parts = graph.add("Reshape", whole, split, name=f"{name}.{part}.split")
        by_head[part] = graph.add("Transpose", parts, name=f"{name}.{part}.heads", perm=order)
    scores = graph.add("MatMul", by_head["query"], by_head["key"], name=f"{name}.scores")  # (H, T, T)
    masked = graph.add("Add", scores, mask_bias, name=f"{name}.masked")
    weights = graph.show(graph.add("Softmax", masked, name=f"{name}.weights", axis=-1), heads, "T", "T")
    mixed = graph.add("MatMul", weights, by_head["value"], name=f"{name}.mixed")  # (H, T, D / H)
    gated = graph.add("Mul", mixed, head_gates, name=f"{name}.gated")
    in_place = graph.add("Transpose", gated, name=f"{name}.in_place", perm=(1, 0, 2))
    context = graph.show(graph.add("Reshape", in_place, merged, name=f"{name}.context"), "T", heads * width)
    return graph.show(graph.linear(f"{name}.attended", context, layer.output), "T", heads * width)


def to_onnx(model: BertForPreTraining) -> tuple[onnx.ModelProto, bytes]:
    """The model as a graph for one text, and its weights in 16 bits.

    Its inputs: input_ids, token_type_ids (T); attention_mask (T), 1 or 0; places (M), those that pass the MLM head;
    and the switches: position_gate (1), by which the position vectors are multiplied; head_gates (L, H).
    """
    config, graph = model.config, Graph()
    D, L, H = config.hidden_size, config.num_hidden_layers, config.num_attention_heads
    one = graph.constant("one", 1.0)
    lowest = graph.constant("lowest", float(np.finfo(np.float32).min))  # what bertlib's mask writes
    forbidden = graph.add("Sub", one, "attention_mask", name="forbidden")
    mask_bias = graph.add("Mul", forbidden, lowest, name="mask_bias")

    tables = model.bert.embeddings
    words = graph.weight("word_table", tables.word_embeddings.weight.numpy())
    token = graph.show(graph.add("Gather", words, "input_ids", name="words"), "T", D)
    rows = graph.weight("segment_table", tables.token_type_embeddings.weight.numpy())
    segment = graph.show(graph.add("Gather", rows, "token_type_ids", name="segments"), "T", D)
    rows = graph.weight("position_table", tables.position_embeddings.weight.numpy())
    zero = graph.constant("zero", [0])
    length = graph.add("Shape", "input_ids", name="length")
    first = graph.add("Slice", rows, zero, length, zero, name="first_positions")
    position = graph.show(graph.add("Mul", first, "position_gate", name="positions"), "T", D)
    summed = graph.add("Add", graph.add("Add", token, position, name="token_at_place"), segment, name="sum")
    hidden = graph.show(graph.norm("embeddings", summed, tables.norm), "T", D)

    for number, layer in enumerate(model.bert.layers):
        name = f"layer{number}"
        at = graph.constant(f"{name}.number", number)
        gate = graph.add("Gather", "head_gates", at, name=f"{name}.gate", axis=0)
        shape = graph.constant(f"{name}.gate_shape", [H, 1, 1])
        gate = graph.add("Reshape", gate, shape, name=f"{name}.gate_of_head")
        attended = attention(graph, name, hidden, layer.attention, gate, mask_bias)
        residual = graph.add("Add", hidden, attended, name=f"{name}.first_sum")
        middle = graph.show(graph.norm(f"{name}.middle", residual, layer.attention_norm), "T", D)
        wide = graph.add("Gelu", graph.linear(f"{name}.wide", middle, layer.intermediate), name=f"{name}.inner")
        graph.show(wide, "T", config.intermediate_size)
        narrow = graph.show(graph.linear(f"{name}.narrow", wide, layer.output), "T", D)
        residual = graph.add("Add", middle, narrow, name=f"{name}.second_sum")
        hidden = graph.show(graph.norm(f"{name}.output", residual, layer.output_norm), "T", D)

    chosen = graph.add("Gather", hidden, "places", name="chosen")  # the widest matrix is for the masked places alone
    moved = graph.add("Gelu", graph.linear("mlm.dense", chosen, model.mlm.dense), name="mlm.gelu")
    moved = graph.show(graph.norm("mlm.norm", moved, model.mlm.norm), "M", D)
    bias = graph.weight("mlm.bias", model.mlm.bias.numpy())
    graph.show(graph.add("Gemm", moved, words, bias, name="logits", transB=1), "M", config.vocab_size)
    cls = graph.add("Gather", hidden, zero, name="cls")  # (1, D)
    pooled = graph.add("Tanh", graph.linear("pooler", cls, model.bert.pooler.dense), name="pooled")
    graph.show(graph.linear("nsp", graph.show(pooled, 1, D), model.nsp), 1, 2)

    def given(name, kind, *shape):
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [
        given("input_ids", TensorProto.INT32, "T"),
        given("token_type_ids", TensorProto.INT32, "T"),
        given("attention_mask", TensorProto.FLOAT, "T"),
        given("places", TensorProto.INT32, "M"),
        given("position_gate", TensorProto.FLOAT, 1),
        given("head_gates", TensorProto.FLOAT, L, H),
    ]
    made = helper.make_graph(graph.nodes, "bbc_bert", inputs, graph.outputs, graph.initializers)
    result = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return result, b"".join(half.tobytes() for half in graph.weights)


def outcomes(tokenizer: Tokenizer) -> dict[str, list[int]]:
    """What the tokenizer makes of every character there is, asked of it: then no browser's tables matter.

    A character becomes a string: nothing, a space, other letters, or a mark with a space on either side, which is how
    words are parted from it. Characters that no piece has become `UNKNOWN`, which those are that are not listed.

    Returns:
        each such string with its characters as ranges: the distance from the last one's end, the length, …
    """
    pieces = {piece.removeprefix("##") for piece in tokenizer.get_vocab() if not piece.startswith("[")}
    known = set("".join(pieces)) | set("[] ")
    found: dict[str, list[int]] = {}
    for start in range(0, 0x110000, 0x1000):
        codes = [code for code in range(start, start + 0x1000) if not 0xD800 <= code <= 0xDFFF]
        normal = tokenizer.normalizer.normalize_str(" ".join(f"a{chr(code)}b" for code in codes))
        parts: list[str] = []
        codes_left = iter(codes)
        for part, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
            parts.append(part)
            if part.endswith("b"):  # the end of a block; its beginning is an a
                outcome = " ".join(parts)[1:-1]
                outcome = "".join(character if character in known else UNKNOWN for character in outcome)
                found.setdefault(outcome, []).append(next(codes_left))
                parts = []
        if parts or next(codes_left, None) is not None:
            raise ValueError(f"characters from U+{start:04X} on are cut in a way that this table cannot hold")
    del found[UNKNOWN]
    return {outcome: ranges(codes) for outcome, codes in found.items()}


def ranges(codes: list[int]) -> list[int]:
    """Ascending numbers as runs: the distance from the end of the last run, the length, and so on."""
    flat, end = [], 0
    for code in codes:
        if flat and code == end:
            flat[-1] += 1
        else:
            flat += [code - end, 1]
        end = code + 1
    return flat


def export(folder: Path, checkpoint: Path = CHECKPOINT) -> None:
    """Write the three files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model = BertForPreTraining.from_pretrained(checkpoint).requires_grad_(False)
    graph, weights = to_onnx(model)
    (folder / "bert.onnx").write_bytes(graph.SerializeToString())
    (folder / "weights.f16").write_bytes(weights)
    tokenizer = load_tokenizer(checkpoint)
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    config = model.config
    content = {
        "pieces": [piece for piece, _ in pieces],
        "characters": outcomes(tokenizer),
        "longest_word": json.loads(tokenizer.to_str())["model"]["max_input_chars_per_word"],
        "places": config.max_position_embeddings,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocabulary.json").write_text(text, encoding="utf-8")
