"""An encoder with its head, written out in ONNX's operators: batch and length are free, and nothing is traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from bertlib.serve.quantize import quantized

OPSET, IR = 20, 10  # of the operators (Gelu is one since 20), and of the file


class Operators:
    """Collects the nodes of a graph, and its weights, each under its name once.

    Args:
        bits: of a weight in matrices and the token table; None leaves them as floats.
    """

    def __init__(self, bits: int | None):
        self.bits, self.nodes, self.weights, self.bytes_of = bits, [], {}, {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add an operator; gives the name of its result, or of several."""
        names = [f"{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, name: str, values: Any) -> str:
        values = values.detach().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def numbers(self, *values: int) -> str:
        return self.weight("numbers_" + "_".join(map(str, values)), np.array(values, np.int64))

    def linear(self, name: str, hidden: str, weight: torch.Tensor, bias: torch.Tensor) -> str:
        """hidden · weightᵀ + bias, in whole numbers if there are bits: see `bertlib.serve.quantize.QuantizedLinear`."""
        if self.bits is None:
            product = self.op("MatMul", hidden, self.weight(f"{name}.weight", weight.T))
        else:
            whole, scales = quantized(weight.detach().numpy(), self.bits)
            if hidden not in self.bytes_of:  # once, whatever is made of it
                self.bytes_of[hidden] = self.op("DynamicQuantizeLinear", hidden, outputs=3)
            given, scale, zero = self.bytes_of[hidden]
            zeros = self.weight(f"{name}.zero", np.zeros(len(scales), np.int8))
            sums = self.op("MatMulInteger", given, self.weight(f"{name}.weight", whole.T), zero, zeros)
            both = self.op("Mul", scale, self.weight(f"{name}.scale", scales))
            product = self.op("Mul", self.op("Cast", sums, to=TensorProto.FLOAT), both)
        return self.op("Add", product, self.weight(f"{name}.bias", bias))

    def rows(self, name: str, table: torch.Tensor, ids: str) -> str:
        """Rows of a table of embeddings; with bits each row is whole numbers and a scale."""
        if self.bits is None:
            return self.op("Gather", self.weight(name, table), ids)
        whole, scales = quantized(table.detach().numpy())  # looked up, not multiplied: 8 bits on every processor
        found = self.op("Cast", self.op("Gather", self.weight(name, whole), ids), to=TensorProto.FLOAT)
        return self.op("Mul", found, self.op("Gather", self.weight(f"{name}.scale", scales[:, None]), ids))

    def norm(self, name: str, hidden: str, module: nn.LayerNorm) -> str:
        own = self.weight(f"{name}.weight", module.weight), self.weight(f"{name}.bias", module.bias)
        return self.op("LayerNormalization", hidden, *own, axis=-1, epsilon=module.eps)

    def activation(self, hidden: str, kind: str) -> str:
        if kind == "relu":
            return self.op("Relu", hidden)
        return self.op("Gelu", hidden, approximate="tanh" if kind == "gelu_new" else "none")

    def layer(self, name: str, layer: nn.Module, kind: str, hidden: str, hidden_from: str, first: bool) -> str:
        """One layer of the encoder. hidden_from: what is added to the scores, 0 or far below. first: of [CLS] alone."""
        attention = layer.attention
        heads, width = attention.num_heads, attention.query.weight.shape[0]
        scale = (width // heads) ** -0.5  # into the queries' matrix: one multiplication less
        query = [attention.query.weight * scale, attention.query.bias * scale]
        sides = [(part.weight, part.bias) for part in (attention.key, attention.value)]
        if first:
            key, value = (
                self.linear(f"{name}.{side}", hidden, *own) for side, own in zip(("key", "value"), sides, strict=True)
            )
            hidden = self.op("Slice", hidden, self.numbers(0), self.numbers(1), self.numbers(1))
            query = self.linear(f"{name}.query", hidden, *query)
        else:
            weight, bias = (torch.cat(parts) for parts in zip(query, *sides, strict=True))
            mixed = self.linear(f"{name}.mixed", hidden, weight, bias)
            query, key, value = self.op("Split", mixed, outputs=3, axis=-1, num_outputs=3)

        def split(side: str, order: list[int]) -> str:
            return self.op("Transpose", self.op("Reshape", side, self.numbers(0, 0, heads, width // heads)), perm=order)

        scores = self.op("MatMul", split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1]))
        shares = self.op("Softmax", self.op("Add", scores, hidden_from), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", shares, split(value, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        mixed = self.op("Reshape", mixed, self.numbers(0, 0, width))
        attended = self.linear(f"{name}.attended", mixed, attention.output.weight, attention.output.bias)
        hidden = self.norm(f"{name}.attention_norm", self.op("Add", hidden, attended), layer.attention_norm)
        inner = self.linear(f"{name}.intermediate", hidden, layer.intermediate.weight, layer.intermediate.bias)
        outer = self.linear(f"{name}.output", self.activation(inner, kind), layer.output.weight, layer.output.bias)
        return self.norm(f"{name}.output_norm", self.op("Add", hidden, outer), layer.output_norm)


def written_out(model: nn.Module, *, segments: bool, bits: int | None = None) -> onnx.ModelProto:
    """A model with its head as a graph: input_ids and attention_mask, with `segments` token_type_ids too -> logits.

    Args:
        model: from `bertlib.model.heads`, on the CPU: a head for classes, tags or answers, or `BertForEmbedding`.
            It computes as in evaluation mode, whatever mode it is in.
        segments: whether texts come in pairs.
        bits: 7 or 8 writes matrices and the token table as int8; all else stays as it is, and so does the head.

    Returns:
        All shapes are (batch, length) and what follows from it; operators of ONNX's own domain alone.
    """
    graph, bert, config = Operators(bits), model.bert, model.config
    table, pooled = bert.embeddings, getattr(model, "pooled", False)
    words = graph.rows("words", table.word_embeddings.weight, "input_ids")
    end = graph.op("Shape", "input_ids", start=1, end=2)
    positions, kinds = table.position_embeddings.weight, table.token_type_embeddings.weight
    if segments:
        words = graph.op("Add", words, graph.op("Gather", graph.weight("segments", kinds), "token_type_ids"))
    else:
        positions = positions + kinds[0]
    places = graph.op("Slice", graph.weight("positions", positions), graph.numbers(0), end, graph.numbers(0))
    hidden = graph.norm("embedded", graph.op("Add", words, places), table.norm)
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    seen = graph.op("Sub", graph.op("Unsqueeze", mask, graph.numbers(1, 2)), graph.weight("one", np.float32(1)))
    hidden_from = graph.op("Mul", seen, graph.weight("far", np.float32(1e30)))
    for number, layer in enumerate(bert.layers):
        first = pooled and number == len(bert.layers) - 1
        hidden = graph.layer(f"layer{number}", layer, config.hidden_act, hidden, hidden_from, first)
    graph.bits = None  # small, and what decides
    if pooled:
        pooler = bert.pooler.dense
        hidden = graph.op("Squeeze", hidden, graph.numbers(1))
        hidden = graph.op("Tanh", graph.linear("pooler", hidden, pooler.weight, pooler.bias))
    if model.output:
        head = getattr(model, model.output)
        hidden = graph.linear("head", hidden, head.weight, head.bias)
    else:  # the mean over the tokens, of length 1; a factor has no say in that
        both = graph.op("Mul", hidden, graph.op("Unsqueeze", mask, graph.numbers(2)))
        total = graph.op("ReduceSum", both, graph.numbers(1), keepdims=0)
        hidden = graph.op("Div", total, graph.op("ReduceL2", total, graph.numbers(1), keepdims=1))
    graph.nodes[-1].output[0] = "logits"
    names = ["input_ids", "attention_mask", "token_type_ids"][: 3 if segments else 2]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names]
    shape = ["batch", config.hidden_size if not model.output else getattr(model, model.output).out_features]
    if model.output and not pooled:
        shape.insert(1, "length")
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)]
    made = helper.make_graph(graph.nodes, type(model).__name__, inputs, outputs, list(graph.weights.values()))
    written = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(written)
    return written
