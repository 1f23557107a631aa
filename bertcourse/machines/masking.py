"""Machine of lesson 04: one text masked again and again by two functions, one of which is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from bertcourse.diagrams.masking import masking_path
from bertcourse.machines.frame import Machine
from bertlib.text.masking import IGNORED, mask_tokens
from bertlib.text.wordpiece import MASK, SPECIAL_TOKENS

ORDINARY = 400  # pieces from which random tokens are drawn: so many fit into an output
MOST = 20_000  # texts


def mask_again(tokenizer: Tokenizer, ids: Sequence[int]) -> Machine:
    """One text, masked anew at each press by two functions: one shows 80/10/10, the other draws twice in a row.

    Which of the two is the wrong one depends on the text.

    Args:
        tokenizer: gives the pieces; random tokens are drawn from the text's own and `ORDINARY` others of it.
        ids: of one text, special tokens included.

    Raises:
        ValueError: the text has fewer than 4 ordinary tokens, or the vocabulary lacks a special one.
    """
    absent = [name for name in SPECIAL_TOKENS if tokenizer.token_to_id(name) is None]
    if absent:
        raise ValueError(f"the tokenizer lacks {', '.join(absent)}: give one with BERT's special tokens")
    tokens = [tokenizer.id_to_token(int(number)) for number in ids]
    ordinary = [token for token in tokens if token not in SPECIAL_TOKENS]
    if len(ordinary) < 4:
        raise ValueError(f"ids={list(ids)} are {' '.join(tokens)}: give a text with at least 4 ordinary tokens")
    # whole words that a reader knows as words, spread over the vocabulary
    words = sorted(piece for piece in tokenizer.get_vocab() if piece.isascii() and piece.isalpha() and len(piece) > 2)
    others = words[:: max(1, len(words) // ORDINARY)][:ORDINARY]
    pieces = list(dict.fromkeys([*SPECIAL_TOKENS, *ordinary, *others]))
    data = {
        "pieces": pieces,
        "specials": len(SPECIAL_TOKENS),
        "mask": pieces.index(MASK),
        "text": [pieces.index(token) for token in tokens],
        "share": 0.15,
        "faulty": sum(map(int, ids)) % 2,
        "most": MOST,
    }
    question = (
        "Two functions mask this text, each with draws of its own. One shows the selected tokens 80/10/10, the other "
        "does not. Mask again until one rate lies more than five σ from what it should be. Which function is wrong?"
    )
    text, special = torch.tensor(data["text"]), list(range(len(SPECIAL_TOKENS)))
    for seed in range(100):  # for the picture, a draw that selects something
        settings = {"vocab_size": len(pieces), "mask_token_id": data["mask"], "special_ids": special}
        shown, labels = mask_tokens(text, **settings, rng=np.random.default_rng(seed))
        if (labels != IGNORED).sum() >= 2:
            break
    asked = [IGNORED if label == IGNORED else pieces[label] for label in labels.tolist()]
    picture = masking_path(tokens, [i in special for i in data["text"]], [pieces[i] for i in shown.tolist()], asked)
    return Machine("mask_again", "Mask again", question, data, picture)
