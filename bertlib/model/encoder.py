"""The BERT encoder: embedding sum, post-LayerNorm layers, pooler (Devlin et al., 2019, §3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from bertlib.device import same_attention_kernels
from bertlib.model.attention import MultiHeadSelfAttention, check_packing, padding_mask, same_sequence
from bertlib.model.config import BertConfig
from bertlib.model.dropout import Dropout
from bertlib.model.frozen import FrozenLayers
from bertlib.model.init import init_weights
from bertlib.model.weights import FromFolder

ACTIVATION = {"gelu": F.gelu, "gelu_new": partial(F.gelu, approximate="tanh"), "relu": F.relu}


def check_ids(name: str, ids: Tensor, size: int, remedy: str) -> None:
    """Refuse ids outside 0 … size-1, which an embedding answers with a bare IndexError (or, on a GPU, a dead process).

    Raises:
        TypeError: not integers. ValueError: an id is out of range; the message names the first one and where it stands.
    """
    if ids.is_floating_point() or ids.dtype == torch.bool:
        raise TypeError(f"{name} has dtype {ids.dtype}: give integers (torch.long)")
    if not ids.numel():
        return
    low, high = (int(bound) for bound in ids.aminmax())
    if low < 0 or high >= size:
        bad = (ids < 0) | (ids >= size)
        where = tuple(bad.nonzero()[0].tolist())
        raise ValueError(f"{name}{list(where)} = {int(ids[where])} is outside 0 … {size - 1}: {remedy}")


@dataclass
class BertOutput:
    """What a BertModel returns, under transformers' names.

    Attributes:
        last_hidden_state: (B, T, D), one vector a token.
        pooler_output: (B, D), tanh of a dense layer on the first token; None of an encoder without a pooler.
        hidden_states: the embeddings and each layer's output, L + 1 times (B, T, D), if asked for.
        attentions: each layer's attention weights, L times (B, H, T, T), if asked for.
    """

    last_hidden_state: Tensor
    pooler_output: Tensor | None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


class BertEmbeddings(nn.Module):
    """Token + position + segment, then LayerNorm and dropout (Devlin et al., 2019, Fig. 2)."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None, position_ids: Tensor | None = None) -> Tensor:
        """(B, T) ids of tokens, of segments (None: all segment A) and of positions (None: 0, 1, 2, …) -> (B, T, D)."""
        if position_ids is None:
            positions = self.position_embeddings.weight[: input_ids.size(1)]  # (T, D), the same for every example
        else:
            positions = self.position_embeddings(position_ids)
        if token_type_ids is None:
            segments = self.token_type_embeddings.weight[0]
        else:
            segments = self.token_type_embeddings(token_type_ids)
        return self.dropout(self.norm(self.word_embeddings(input_ids) + positions + segments))


class BertLayer(nn.Module):
    """Attention, then a feed-forward block on each token alone; each is added to its input and then normalised.

    Normalising after the addition ("post-LayerNorm") is what BERT does and what its weights expect.
    """

    def __init__(self, config: BertConfig):
        super().__init__()
        self.attention = MultiHeadSelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACTIVATION[config.hidden_act]
        self.output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(
        self, hidden: Tensor, mask: Tensor | None, need_weights: bool, queries: int | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) -> (B, T, D), and the attention weights (B, H, T, T) if asked for.

        With `queries`, all that is computed for the first so many tokens only.
        """
        attended, weights = self.attention(hidden, mask, need_weights, queries)
        hidden = self.attention_norm(hidden[:, :queries] + self.dropout(attended))
        transformed = self.output(self.activation(self.intermediate(hidden)))
        return self.output_norm(hidden + self.dropout(transformed)), weights


class BertPooler(nn.Module):
    """One vector for the whole input: a dense layer and tanh on [CLS] (google-research/bert, modeling.py)."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return torch.tanh(self.dense(hidden[:, 0]))


class BertModel(FromFolder, nn.Module):
    """The encoder without a task: ids in, one vector per token out, and one for the whole input.

    Args:
        add_pooling_layer: False leaves out the vector for the whole input, which a head on every token does not need.

    Attributes:
        recompute: True keeps only each layer's input for the backward pass and computes the rest of the layer again
            there: less memory for one more forward pass (Chen et al., 2016, "Training Deep Nets with Sublinear Memory
            Cost"). Outputs and gradients stay the same.
        frozen: lower layers that are held fixed, if any; see `bertlib.model.frozen.FrozenLayers.fix`.
        prefix_length: rows before the keys and values of each text; see `bertlib.model.adapters.Prefix`.
    """

    def __init__(self, config: BertConfig, add_pooling_layer: bool = True):
        super().__init__()
        self.config = config
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.pooler = BertPooler(config) if add_pooling_layer else None
        self.recompute = False
        self.frozen: FrozenLayers | None = None
        self.prefix_length = 0
        self.apply(partial(init_weights, std=config.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
        pooled_only: bool = False,
        sequence_ids: Tensor | None = None,
        sequence_starts: Tensor | None = None,
    ) -> BertOutput:
        """Encode a batch. Shapes are checked here; values where batches are made, by `check_batch`.

        Args:
            input_ids: (B, T) integers below V.
            attention_mask: (B, T), 1 for a token, 0 for padding; None if nothing is padded.
            token_type_ids: (B, T), 0 for segment A, 1 for B; None for A throughout.
            output_attentions: also return the attention weights of each layer.
            output_hidden_states: also return the embeddings and each layer's output.
            pooled_only: compute the last layer for [CLS] alone, which is all that the pooler reads. The pooled output
                is the same and cheaper; the last hidden state is (B, 1, D).
            sequence_ids: (B, T), in place of attention_mask, for rows packed with several sequences; see
                `bertlib.text.batching.pack`. Each is encoded as if it stood alone, and pooler_output has a row for
                each of the N sequences, (N, D), in reading order.
            sequence_starts: (N,) places of the sequences' first tokens in the rows laid end to end. None has them
                looked for, which makes a GPU wait for the host.

        Raises:
            ValueError: the sequence is longer than the position table, the shapes differ, or arguments exclude each
                other. TypeError: ids that are not integers.
        """
        self.check_shapes(input_ids, attention_mask, token_type_ids, sequence_ids)
        mask = None if attention_mask is None else (attention_mask != 0)[:, None, None, :]  # `padding_mask`, unchecked
        position_ids = None
        if sequence_ids is not None:
            if pooled_only:
                raise ValueError(
                    "pooled_only=True with sequence_ids: the first tokens stand all over the rows; drop it"
                )
            mask = same_sequence(sequence_ids)
            place = torch.arange(input_ids.size(1), device=input_ids.device)
            first = sequence_ids.diff(dim=-1, prepend=torch.zeros_like(sequence_ids[:, :1])) > 0  # each [CLS]
            position_ids = place - (place * first).cummax(dim=-1).values  # counted from each sequence's own start
            if sequence_starts is None:
                sequence_starts = first.flatten().nonzero().flatten()
        if mask is not None and self.prefix_length:  # which every token sees
            mask = F.pad(mask, (self.prefix_length, 0), value=True)
        below = 0  # layers whose output is known already
        if self.frozen is None or sequence_ids is not None or output_attentions or output_hidden_states:
            hidden = self.embeddings(input_ids, token_type_ids, position_ids)
        else:
            below = self.frozen.count
            queries = 1 if pooled_only and below == len(self.layers) else None
            hidden = self.frozen(input_ids, mask, token_type_ids, queries)
        states, attentions = [hidden], []
        for number, layer in enumerate(self.layers[below:], start=below + 1):
            queries = 1 if pooled_only and number == len(self.layers) else None
            if self.recompute and self.training:
                again = {"use_reentrant": False, "context_fn": same_attention_kernels}
                hidden, weights = checkpoint(layer, hidden, mask, output_attentions, queries, **again)
            else:
                hidden, weights = layer(hidden, mask, output_attentions, queries)
            states.append(hidden)
            attentions.append(weights)
        to_pool = hidden if sequence_ids is None else hidden.flatten(0, 1)[sequence_starts][:, None]
        return BertOutput(
            last_hidden_state=hidden,
            pooler_output=None if self.pooler is None else self.pooler(to_pool),
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(attentions) if output_attentions else None,
        )

    def check_shapes(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        token_type_ids: Tensor | None,
        sequence_ids: Tensor | None,
    ) -> None:
        """Raise on shapes that do not fit together and on ids that are not integers; see `forward`."""
        for name, ids in (("input_ids", input_ids), ("token_type_ids", token_type_ids)):
            if ids is not None and (ids.is_floating_point() or ids.dtype == torch.bool):
                raise TypeError(f"{name} has dtype {ids.dtype}: give integers (torch.long)")
        if input_ids.dim() != 2 or not input_ids.numel():
            raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}: give (batch, tokens), neither of them 0")
        if attention_mask is not None and sequence_ids is not None:
            raise ValueError("attention_mask and sequence_ids exclude each other: the 0s of sequence_ids are padding")
        if input_ids.size(1) > self.config.max_position_embeddings:
            raise ValueError(
                f"input_ids is {input_ids.size(1)} tokens long, but the position table ends at "
                f"{self.config.max_position_embeddings}: truncate the text or cut it into windows"
            )
        given_ids = {"attention_mask": attention_mask, "token_type_ids": token_type_ids, "sequence_ids": sequence_ids}
        for name, given in given_ids.items():
            if given is not None and given.shape != input_ids.shape:
                shapes = f"shape {tuple(given.shape)}, input_ids {tuple(input_ids.shape)}"
                raise ValueError(f"{name} has {shapes}: they must be equal")

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """Refuse values that make no sense, where batches are made: a GPU would have to wait for it in `forward`.

        Args:
            batch: arguments of `forward` by name; others are passed over.

        Raises:
            ValueError: an id is out of range, a mask holds something else than 0 and 1, a row is all padding, or
                sequences are numbered wrongly. TypeError: ids that are not integers.
        """
        config = self.config
        remedy = "the tokenizer and the model have different vocabularies"
        check_ids("input_ids", batch["input_ids"], config.vocab_size, remedy)
        if batch.get("token_type_ids") is not None:
            remedy = "use 0 for segment A and 1 for B"
            check_ids("token_type_ids", batch["token_type_ids"], config.type_vocab_size, remedy)
        if batch.get("attention_mask") is not None:
            padding_mask(batch["attention_mask"])
        if batch.get("sequence_ids") is not None:
            check_packing(batch["sequence_ids"])
