"""Lower layers held fixed: what they make of a text is computed once, not in every epoch of every run."""

import copy

import torch
from torch import Tensor, nn


class FrozenLayers:
    """The embeddings and the first `count` layers of an encoder, fixed, and what they made of every text so far.

    Only what is above is trained: layers, or the head alone. Without dropout below, a text's hidden states are the
    same in every epoch; so they are computed when a text is first met and kept. One object may serve several models
    that start from the same weights: one text, met in several trainings or tests, costs its lower layers once.

    Raises:
        ValueError: count is no whole number of at least 0 (0 fixes the embeddings alone).
    """

    def __init__(self, count: int):
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"count={count!r}: give a whole number of layers, at least 0")
        self.count = count
        self._lower: nn.ModuleList | None = None  # embeddings and layers, in evaluation mode
        self._made: dict[tuple[bytes, int | None], Tensor] = {}  # a row's ids and segments, queries -> (tokens, D)

    def fix(self, bert: nn.Module) -> None:
        """Train no weight of these layers of a `bertlib.BertModel` from now on, and take their outputs from here.

        Raises:
            ValueError: the encoder has fewer layers, or its weights differ from those of the first one.
        """
        if self.count > len(bert.layers):
            raise ValueError(
                f"count={self.count}: the encoder has {len(bert.layers)} layers; give at most {len(bert.layers)}"
            )
        lower = nn.ModuleList([bert.embeddings, *bert.layers[: self.count]])
        if self._lower is None:
            self._lower = copy.deepcopy(lower).eval().requires_grad_(False)
        known, given = self._lower.state_dict(), lower.state_dict()
        if known.keys() != given.keys() or not all(
            known[name].shape == tensor.shape and torch.equal(known[name], tensor) for name, tensor in given.items()
        ):
            raise ValueError(
                "the encoder's lower layers have other weights than those fixed first: use a FrozenLayers each"
            )
        lower.requires_grad_(False)
        bert.frozen = self

    @torch.inference_mode(False)  # tensors made in that mode could not be trained on later
    @torch.no_grad()
    def __call__(
        self, input_ids: Tensor, mask: Tensor | None, token_type_ids: Tensor | None, queries: int | None = None
    ) -> Tensor:
        """What comes out of the highest fixed layer: (B, T, D), zeros at padding; with `queries` of the first tokens
        alone, (B, queries, D), for no others are kept.

        Args:
            input_ids, token_type_ids: (B, T), as in `BertModel.forward`.
            mask: bool (B, 1, 1, T) from `bertlib.model.attention.padding_mask`; None if nothing is padded.
        """
        batch, length = input_ids.shape
        lengths = [length] * batch if mask is None else mask[:, 0, 0].sum(dim=-1).tolist()
        segments = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        rows = torch.stack([input_ids, segments], dim=-1).cpu().numpy()
        keys = [(row[:end].tobytes(), queries) for row, end in zip(rows, lengths, strict=True)]
        new = list({key: number for number, key in enumerate(keys) if key not in self._made}.values())
        if new:
            embeddings, *layers = self._lower
            self._lower.to(input_ids.device)
            part = None if mask is None else mask[new]
            with torch.autocast(input_ids.device.type, enabled=False):  # the same for every caller's number format
                hidden = embeddings(input_ids[new], segments[new])
                for number, layer in enumerate(layers, start=1):
                    hidden, _ = layer(hidden, part, False, queries if number == len(layers) else None)
            for number, states in zip(new, hidden, strict=True):
                self._made[keys[number]] = states[: lengths[number]].clone()
        hidden = nn.utils.rnn.pad_sequence([self._made[key] for key in keys], batch_first=True)
        return nn.functional.pad(hidden, (0, 0, 0, (queries or length) - hidden.size(1)))
