"""Writing with a trained encoder–decoder, piece by piece: the likeliest one each time, or the best of several beams."""

import torch
from torch import Tensor

from bertlib.model.seq2seq import BertForSeq2Seq, Memory

FAR = -1e9  # a score that nothing real has; finite, so that sums of it stay ordered


def check_length(model: BertForSeq2Seq, max_length: int) -> None:
    """Refuse a number of pieces that the position table does not hold; the last one written is not read."""
    table = model.decoder_config.max_position_embeddings
    if not 1 <= max_length <= table:
        raise ValueError(f"max_length={max_length!r}: give 1 to {table} pieces, which the position table holds")


def read_source(model: BertForSeq2Seq, input_ids: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """The encoder's states, and the mask (all ones if there is none)."""
    mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
    return model.bert(input_ids, mask).last_hidden_state, mask


@torch.inference_mode()
def greedy(
    model: BertForSeq2Seq, input_ids: Tensor, attention_mask: Tensor | None = None, *, max_length: int = 64
) -> Tensor:
    """Write the likeliest piece each time, until the end or max_length pieces.

    Args:
        input_ids, attention_mask: (B, T) of the sources.
        max_length: pieces to write at most, the end included.

    Returns:
        (B, S) ids: what was written with its end, and [PAD] behind it. The start is not among them.

    Raises:
        ValueError: max_length is below 1, or the position table is shorter.
    """
    check_length(model, max_length)
    states, mask = read_source(model, input_ids, attention_mask)
    memory: list[Memory] = [{} for _ in model.decoder.layers]
    newest = input_ids.new_full((len(input_ids), 1), model.start)
    done, written = torch.zeros_like(newest, dtype=torch.bool), []
    while len(written) < max_length and not done.all():
        logits = model.write(newest, states, mask, memory).logits[:, -1]
        newest = logits.argmax(dim=-1, keepdim=True).masked_fill(done, model.decoder_config.pad_token_id)
        written.append(newest)
        done |= newest == model.end
    return torch.cat(written, dim=1)


@torch.inference_mode()
def beam_search(
    model: BertForSeq2Seq,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    *,
    beams: int = 4,
    length_penalty: float = 1.0,
    max_length: int = 64,
) -> tuple[Tensor, Tensor]:
    """Keep the `beams` likeliest beginnings of each text, and give the best finished one.

    A finished text's score is the log of its probability, divided by its number of pieces to the power of
    length_penalty: 0 compares probabilities, of which short texts have the larger ones. A source's search ends when its
    best open beginning, divided in this way, is below all `beams` finished texts. This is what transformers' `generate`
    does with early_stopping=False; its canonical form ("never") may go on for longer.

    Args:
        beams: at least 1, at most half of the decoder's vocabulary. For the others see `greedy`.

    Returns:
        ids as of `greedy`, and the scores (B,) float32. What has no end after max_length pieces counts as it stands.

    Raises:
        ValueError: beams or max_length is out of its range.
    """
    check_length(model, max_length)
    vocabulary, pad = model.decoder_config.vocab_size, model.decoder_config.pad_token_id
    if not 1 <= beams <= vocabulary // 2:
        raise ValueError(f"beams={beams!r}: give 1 to {vocabulary // 2}, half of the decoder's vocabulary")
    size, each = len(input_ids), torch.arange(len(input_ids), device=input_ids.device)[:, None]
    states, mask = (x.repeat_interleave(beams, dim=0) for x in read_source(model, input_ids, attention_mask))
    memory: list[Memory] = [{} for _ in model.decoder.layers]
    open_ids = input_ids.new_full((size, beams, max_length), pad)
    best_ids = open_ids.clone()
    open_scores = states.new_full((size, beams), FAR)
    open_scores[:, 0] = 0.0  # all beams begin alike: the first step goes on from one of them
    best_scores = states.new_full((size, beams), FAR)
    searching = torch.ones(size, dtype=torch.bool, device=input_ids.device)
    newest = input_ids.new_full((size * beams, 1), model.start)
    for place in range(max_length):
        logits = model.write(newest, states, mask, memory).logits[:, -1].float()
        scores = open_scores[:, :, None] + logits.log_softmax(dim=-1).unflatten(0, (size, beams))
        # Twice as many as there are beams, so that enough are left to go on with if all of the first half end here.
        found, where = scores.flatten(1).topk(2 * beams)
        origin, piece = where // vocabulary, where % vocabulary
        ids = open_ids[each, origin]
        ids[:, :, place] = piece
        ended = (piece == model.end) | (place + 1 == max_length)

        # Of those that end, the first half may replace finished ones; a search that is over takes no more.
        finished = torch.where(ended, found / (place + 1) ** length_penalty, FAR)[:, :beams]
        finished = finished.masked_fill(~searching[:, None], FAR)
        best_scores, kept = torch.cat([best_scores, finished], dim=1).topk(beams)
        best_ids = torch.cat([best_ids, ids[:, :beams]], dim=1)[each, kept]

        # Go on with the best of the others; the memory follows its beam.
        open_scores, kept = found.masked_fill(ended, FAR).topk(beams)
        open_ids, origin = ids[each, kept], origin[each, kept]
        rows = (origin + each * beams).flatten()
        for layer in memory:
            layer["key"], layer["value"] = layer["key"][rows], layer["value"][rows]
        newest = open_ids[:, :, place].reshape(-1, 1)
        full = (best_scores > FAR / 2).all(dim=1)
        searching &= ~full | (open_scores[:, 0] / (place + 1) ** length_penalty > best_scores.amin(dim=1))
        if not searching.any():
            break
    best = best_ids[:, 0]
    longest = int((best != pad).sum(dim=1).max())
    return best[:, :longest], best_scores[:, 0]
