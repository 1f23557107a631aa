"""A pretrained BERT in use: masks filled, pairs judged, measured on held-out text (Devlin et al., 2019, §3.1)."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import torch

from bertlib.device import pick_device
from bertlib.metrics import pretraining_scores
from bertlib.model.heads import BertForPreTraining
from bertlib.model.weights import read_model
from bertlib.tasks.task import Task
from bertlib.text.inputs import one_or_many
from bertlib.text.pair_stream import Documents, PretrainingData
from bertlib.text.tokenizer import load_tokenizer, special_tokens
from bertlib.train.recipe import RECIPES


class PretrainedBert(Task):
    """A pretrained model with its tokenizer: fills masks, judges pairs, is measured, saved and loaded.

    Attributes:
        max_length: the longest pair it was trained on, in tokens; after `load` the longest that it can read.
        baseline: of the unigram guess on the held-out text; None if nothing was held out, and after `load`.
    """

    head = BertForPreTraining
    kept = ()
    recipe = RECIPES["pretrain"]
    baseline: Mapping[str, float] | None = None

    @torch.inference_mode()
    def fill_mask(self, text: str, top_k: int = 5) -> list[dict] | list[list[dict]]:
        """The likeliest tokens behind each [MASK] of a text, as transformers' fill-mask pipeline gives them.

        Returns:
            For each of the top_k tokens score (probability), token (id), token_str and sequence (the text with it).
            With several [MASK], a list of such lists, in which only that mask is filled.

        Raises:
            ValueError: the text has no [MASK], or too many tokens; top_k is no whole number, or below 1.
        """
        if not isinstance(top_k, Integral) or top_k < 1:
            raise ValueError(f"top_k={top_k!r}: give a whole number of at least 1")
        (text,), _ = one_or_many([text])
        ids = torch.tensor([self.tokenizer.encode(text).ids])
        mask = special_tokens(self.tokenizer).get("mask_token", "[MASK]")
        number = self.tokenizer.token_to_id(mask)
        places = [] if number is None else (ids[0] == number).nonzero().flatten().tolist()
        if not places:
            raise ValueError(f"text={text!r} has no {mask}: write {mask} where a token is to be guessed")
        logits = self.model(ids.to(self.device)).prediction_logits[0, places].float().cpu()
        answers = []
        for place, probabilities in zip(places, logits.softmax(-1), strict=True):
            scores, tokens = probabilities.topk(min(top_k, len(probabilities)))
            rows, alone = [], len(places) == 1  # else the pipeline keeps [CLS], [SEP] and the other masks visible
            for score, token in zip(scores.tolist(), tokens.tolist(), strict=True):
                filled = ids[0].tolist()
                filled[place] = token
                row = {"score": score, "token": token, "token_str": self.tokenizer.decode([token])}
                rows.append(row | {"sequence": self.tokenizer.decode(filled, skip_special_tokens=alone)})
            answers.append(rows)
        return answers if len(places) > 1 else answers[0]

    @torch.inference_mode()
    def follows(self, first: str, second: str) -> float:
        """The probability, by the NSP head, that the second text follows the first in a document."""
        (pair,), _ = one_or_many([(first, second)], pairs=True)
        encoding = self.tokenizer.encode(*pair)
        ids, segments = (torch.tensor([row], device=self.device) for row in (encoding.ids, encoding.type_ids))
        return self.model(ids, token_type_ids=segments).seq_relationship_logits.float().softmax(-1)[0, 0].item()

    def predict(self, texts: str | Sequence[str], **options: Any) -> list:
        """`fill_mask` of one text, or a list of what it gives for each of several, in their order."""
        several, single = one_or_many(texts)
        found = [self.fill_mask(text, **options) for text in several]
        return found[0] if single else found

    def evaluate(
        self, documents: Documents, *, topics: Sequence | None = None, seed: int = 0, precision: str = "auto"
    ) -> dict[str, float]:
        """Losses and accuracies on held-out documents, always with the same pairs and masks; see
        `bertlib.metrics.pretraining_scores`."""
        settings = {"max_length": self.max_length, "batch_size": 32, "seed": seed, "topics": topics}
        data = PretrainingData(documents, self.tokenizer, **settings, show_progress=False)
        return pretraining_scores(self.model, data.one_pass(), precision=precision)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open a folder that `save`, `pretrain` or transformers wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: a file does not fit, or there is no MLM head.
        """
        stored = read_model(folder)
        model = BertForPreTraining.from_pretrained(stored).to(pick_device())
        if any(name.startswith("mlm.") for name in model.fresh):
            raise ValueError(f"{folder} has no MLM head: pretrain it first, or open it as a bertlib.BertModel")
        return cls(model, load_tokenizer(folder, stored.values), model.config.max_position_embeddings)
