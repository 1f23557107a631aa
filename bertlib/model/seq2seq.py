"""A decoder that reads an encoder (Vaswani et al., 2017, §3.1): BERT on one side, a text written on the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.files import read_json, write_folder
from bertlib.model.attention import MultiHeadSelfAttention, scaled_dot_product_attention, use_formula
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertEmbeddings, BertLayer, BertModel, check_ids
from bertlib.model.heads import Losses, MLMHead
from bertlib.model.init import init_weights
from bertlib.model.weights import read_tensors, transformers_name, write_model

Memory = dict[str, Tensor]  # of a layer: keys and values of what was written so far, and of the source


class CrossAttention(MultiHeadSelfAttention):
    """Queries from the text that is written, keys and values from the encoder's states (§3.2.3)."""

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, D) -> twice (B, H, T, D / H)."""
        return self.split_heads(self.key(states)), self.split_heads(self.value(states))

    def forward(
        self, hidden: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Let every written token look at every token of the source.

        Args:
            hidden: (B, S, D). key, value: (B, H, T, D / H), see `keys_and_values`.
            mask: bool, broadcastable to (B, H, S, T); True where a token may look. None: everywhere.
            need_weights: give the weights too, (B, H, S, T); else None in their place.
        """
        query, dropout_p = self.split_heads(self.query(hidden)), self.dropout_p if self.training else 0.0
        if need_weights or use_formula(query):
            heads, weights = scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout_p)
        else:
            heads, weights = F.scaled_dot_product_attention(query, key, value, mask, dropout_p), None
        return self.output(self.merge_heads(heads)), weights if need_weights else None


class DecoderLayer(BertLayer):
    """A layer of BERT with two changes: no token looks at a later one; between its blocks it looks at the source.

    Post-LayerNorm as in BERT; transformers builds the same with is_decoder and add_cross_attention.
    """

    def __init__(self, config: BertConfig):
        super().__init__(config)
        self.attention = CrossAttention(config)  # of itself: its keys and values come from the same text
        self.cross = CrossAttention(config)
        self.cross_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self,
        hidden: Tensor,
        states: Tensor,
        source_mask: Tensor | None,
        memory: Memory | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(B, S, D) and the encoder's (B, T, D) -> (B, S, D), and the weights over the source (B, H, S, T).

        With a memory, `hidden` holds the newest tokens alone; keys and values of the earlier ones, and of the source,
        are taken from there, and what is new is added.
        """
        memory = {} if memory is None else memory
        key, value = self.attention.keys_and_values(hidden)
        if "key" in memory:
            key, value = torch.cat([memory["key"], key], dim=2), torch.cat([memory["value"], value], dim=2)
        if "source_key" not in memory:
            memory["source_key"], memory["source_value"] = self.cross.keys_and_values(states)
        memory["key"], memory["value"] = key, value
        written, before = hidden.size(1), key.size(2) - hidden.size(1)
        causal = torch.ones(written, key.size(2), dtype=torch.bool, device=hidden.device).tril(before)
        attended, _ = self.attention(hidden, key, value, causal)
        hidden = self.attention_norm(hidden + self.dropout(attended))
        source = memory["source_key"], memory["source_value"]
        attended, weights = self.cross(hidden, *source, source_mask, need_weights)
        hidden = self.cross_norm(hidden + self.dropout(attended))
        transformed = self.output(self.activation(self.intermediate(hidden)))
        return self.output_norm(hidden + self.dropout(transformed)), weights


class Decoder(nn.Module):
    """BERT's embeddings, decoder layers, and a score for every piece; the token table is used at both ends."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.mlm = MLMHead(config)  # its name in a model folder; here it scores the next piece


@dataclass
class Seq2SeqOutput(Losses):
    """What `BertForSeq2Seq` returns; its term is "token".

    Attributes:
        logits: (B, S, V) scores of the next piece behind every written one.
        cross_attentions: each decoder layer's weights over the source, (B, H, S, T), if asked for.
    """

    logits: Tensor
    cross_attentions: tuple[Tensor, ...] | None = None


def shift_right(labels: Tensor, start: int, pad: int) -> Tensor:
    """What the decoder reads while it learns to write `labels` (B, S): the start, then all but the last of them.

    Where a label is -100, as padding is, the decoder reads [PAD].
    """
    shifted = torch.cat([torch.full_like(labels[:, :1], start), labels[:, :-1]], dim=1)
    return shifted.masked_fill(shifted == -100, pad)


class BertForSeq2Seq(nn.Module):
    """An encoder that reads a text and a decoder that writes another one (Rothe et al., 2020, "BERT2BERT").

    Args:
        encoder: shape of the reader. decoder: shape of the writer; both have the same hidden_size.
        start, end: ids in the decoder's vocabulary that a text begins and ends with.

    Raises:
        ValueError: the widths differ, or start or end are not in the decoder's vocabulary.
    """

    def __init__(self, encoder: BertConfig, decoder: BertConfig, *, start: int, end: int):
        super().__init__()
        if encoder.hidden_size != decoder.hidden_size:
            raise ValueError(
                f"encoder.hidden_size={encoder.hidden_size}, decoder.hidden_size={decoder.hidden_size}: give both the "
                "same width, since the decoder's keys are made from the encoder's states"
            )
        for name, number in (("start", start), ("end", end)):
            if not 0 <= number < decoder.vocab_size:
                raise ValueError(f"{name}={number}: give an id of the decoder's, from 0 to {decoder.vocab_size - 1}")
        self.config, self.decoder_config, self.start, self.end = encoder, decoder, start, end
        self.bert = BertModel(encoder)
        self.decoder = Decoder(decoder)
        self.decoder.apply(partial(init_weights, std=decoder.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        decoder_ids: Tensor | None = None,
        need_weights: bool = False,
    ) -> Seq2SeqOutput:
        """Read a source, and score each next piece of a text that is given (teacher forcing).

        Args:
            input_ids, attention_mask: (B, T) of the source.
            labels: (B, S) the text to write, the end included, -100 behind it.
            decoder_ids: (B, S) what the decoder reads; None: `shift_right` of the labels.
            need_weights: give the weights over the source too.

        Raises:
            ValueError: neither labels nor decoder_ids; or a text longer than the position table.
        """
        if decoder_ids is None:
            if labels is None:
                raise ValueError("labels=None: give labels or decoder_ids; bertlib.model.generate writes without them")
            decoder_ids = shift_right(labels, self.start, self.decoder_config.pad_token_id)
        states = self.bert(input_ids, attention_mask).last_hidden_state
        output = self.write(decoder_ids, states, attention_mask, need_weights=need_weights)
        if labels is not None:
            total = F.cross_entropy(output.logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
            output.loss_sums, output.loss_counts = {"token": total}, self.loss_counts({"labels": labels})
        return output

    def write(
        self,
        decoder_ids: Tensor,
        states: Tensor,
        attention_mask: Tensor | None,
        memory: list[Memory] | None = None,
        need_weights: bool = False,
    ) -> Seq2SeqOutput:
        """`forward`'s second half: scores behind each of `decoder_ids` (B, S), given the encoder's states.

        With a memory (a dictionary for each layer, empty at first), `decoder_ids` are the newest ones alone.
        """
        before = memory[0]["key"].size(2) if memory and memory[0] else 0
        if before + decoder_ids.size(1) > self.decoder_config.max_position_embeddings:
            raise ValueError(
                f"the text to write has {before + decoder_ids.size(1)} tokens, but the decoder's position table ends "
                f"at {self.decoder_config.max_position_embeddings}: cut it, or give a smaller max_length"
            )
        places = torch.arange(before, before + decoder_ids.size(1), device=decoder_ids.device)
        hidden = self.decoder.embeddings(decoder_ids, None, places.expand_as(decoder_ids))
        mask = None if attention_mask is None else (attention_mask != 0)[:, None, None, :]
        weights = []
        for number, layer in enumerate(self.decoder.layers):
            hidden, own = layer(hidden, states, mask, None if memory is None else memory[number], need_weights)
            weights.append(own)
        logits = self.decoder.mlm(hidden, self.decoder.embeddings.word_embeddings.weight)
        return Seq2SeqOutput(logits, tuple(weights) if need_weights else None)

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many pieces a batch's loss sum runs."""
        return {"token": int((batch["labels"] != -100).sum())}

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """`BertModel.check_batch` of the source, and the labels: ids below V with -100 at the end of a row alone."""
        self.bert.check_batch(batch)
        labels = batch["labels"]
        asked = labels != -100
        check_ids("labels", labels[asked], self.decoder_config.vocab_size, "use -100 behind the end")
        pad = self.decoder_config.pad_token_id
        if (labels == pad).any():
            row = int((labels == pad).any(dim=1).nonzero()[0])
            raise ValueError(f"labels row {row} holds [PAD] ({pad}): put -100 there, or writing [PAD] is learned")
        if (labels[:, 0] == self.start).any():
            row = int((labels[:, 0] == self.start).nonzero()[0])
            raise ValueError(
                f"labels row {row} begins with the start ({self.start}): the decoder is given it; leave it out"
            )
        if not asked[:, 0].all() or (asked[:, 1:] & ~asked[:, :-1]).any():
            raise ValueError("labels: -100 may stand behind the end of a row alone, and no row may be empty")

    # ------------------------------------------------------------------------------------------------ model folders

    def save_pretrained(self, folder: str | Path, extra_files: Mapping[str, str] | None = None) -> None:
        """Write a folder that transformers' EncoderDecoderModel opens, in float32."""
        files, tensors = seq2seq_files(self)
        with write_folder(folder, sum(tensor.nbytes for tensor in tensors.values())) as beside:
            write_model(beside, files | dict(extra_files or {}), tensors)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Open a folder that `save_pretrained` wrote, or transformers' EncoderDecoderModel with two BERTs.

        Raises:
            FileNotFoundError: a file is missing. ValueError: it is another kind of model, or a tensor does not fit.
        """
        values = read_json(Path(folder) / "config.json")
        if values.get("model_type") != "encoder-decoder":
            raise ValueError(
                f"{folder}: model_type={values.get('model_type')!r}: give a folder with an encoder-decoder"
            )
        configs = []
        for side in ("encoder", "decoder"):
            plain = {"is_decoder": False, "add_cross_attention": False}
            configs.append(BertConfig.from_values(values[side] | plain, folder))
        own = values["decoder"]
        start = values.get("decoder_start_token_id", own.get("decoder_start_token_id"))
        end = values.get("eos_token_id", own.get("eos_token_id"))
        if start is None or end is None:
            raise ValueError(f"{folder}: config.json lacks decoder_start_token_id or eos_token_id: add them")
        model = cls(*configs, start=start, end=end)
        stored = read_tensors(folder)
        wanted = {seq2seq_name(name): name for name in model.state_dict()}
        for copy in ("weight", "bias"):  # the decoder's table, which some files hold a second time
            stored.pop(f"decoder.cls.predictions.decoder.{copy}", None)
        if stored.keys() != wanted.keys():
            missing, extra = sorted(wanted.keys() - stored.keys()), sorted(stored.keys() - wanted.keys())
            raise ValueError(f"{folder}: the weights do not fit: missing {missing[:3]}, left over {extra[:3]}")
        model.load_state_dict({wanted[key]: tensor.float() for key, tensor in stored.items()})
        return model.eval()


def seq2seq_name(name: str) -> str:
    """transformers' name of a parameter of ours."""
    if name.startswith("bert."):
        return "encoder." + transformers_name(name.removeprefix("bert."))
    module = name.removeprefix("decoder.")
    return "decoder." + transformers_name(module if module.startswith("mlm.") else f"bert.{module}")


def seq2seq_files(model: BertForSeq2Seq) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What a folder of the model holds: config.json as transformers' EncoderDecoderModel has it, and the tensors."""
    decoder = model.decoder_config.to_dict() | {"is_decoder": True, "add_cross_attention": True}
    special: dict[str, Any] = {"decoder_start_token_id": model.start, "eos_token_id": model.end}
    special |= {"pad_token_id": model.decoder_config.pad_token_id}
    values = {"model_type": "encoder-decoder", "is_encoder_decoder": True, "architectures": ["EncoderDecoderModel"]}
    values |= {"encoder": model.config.to_dict(), "decoder": decoder | special, **special, "dtype": "float32"}
    tensors = {seq2seq_name(name): t.detach().float().cpu().contiguous() for name, t in model.state_dict().items()}
    return {
        "config.json": json.dumps(values, indent=2) + "\n",
        "generation_config.json": json.dumps(special) + "\n",
    }, tensors
