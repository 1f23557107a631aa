"""Writing by repeated masking as others do it (bug 38): each is called as `bertcourse.written.gibbs` is."""

import numpy as np
import torch

from bertcourse.written import gibbs, pseudo_losses
from bertlib.text.pair_stream import special_ids


@torch.inference_mode()
def _chain(bert, lengths, sweeps, rng, *, hide=True, ends=0, drawn_specials=False):
    special, texts = special_ids(bert.tokenizer), []
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for length in lengths:
        row = torch.tensor([[special["[CLS]"], *[special["[MASK]"]] * length, special["[SEP]"]]])
        for _ in range(sweeps):
            for place in (1 + rng.permutation(length + ends)).tolist():
                if hide:
                    row[0, place] = special["[MASK]"]
                logits = bert.model(row).prediction_logits[0, place].float()
                if not drawn_specials:
                    logits[list(special.values())] = -torch.inf
                row[0, place] = torch.multinomial(logits.softmax(-1), 1, generator=generator)[0]
        texts.append(row[0, 1 : length + 1 + ends].tolist())
    return texts


def the_end_is_drawn_too(bert, lengths, sweeps, rng):
    """[SEP] is counted among the pieces, and drawn: the text no longer ends, and is longer than was asked for."""
    return _chain(bert, lengths, sweeps, rng, ends=1)


def specials_are_drawn(bert, lengths, sweeps, rng):
    """[PAD], [SEP] or [MASK] itself may be drawn, and the mask is kept in the text."""
    return _chain(bert, lengths, sweeps, rng, drawn_specials=True)


def the_piece_is_seen(bert, lengths, sweeps, rng):
    """A place is not hidden before it is drawn: the model sees what stands there, and mostly says it again."""
    return _chain(bert, lengths, sweeps, rng, hide=False)


def best_of_many(bert, lengths, sweeps, rng):
    """Of eight samples the one that the model itself likes best is shown as if it were a sample."""
    special, many = special_ids(bert.tokenizer), [gibbs(bert, lengths, sweeps, rng) for _ in range(8)]

    def loss(ids):
        return np.mean(pseudo_losses(bert, [special["[CLS]"], *ids, special["[SEP]"]]))

    return [min(texts, key=loss) for texts in zip(*many, strict=True)]
