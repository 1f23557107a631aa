"""Topic and tone of a headline, by the models that this course ships in data/monitor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

LENGTH = 64  # tokens of a headline, at most
UNREAD = 0.5  # of a headline's pieces: where more are unknown, nothing is said of it


class Scorer:
    """From headlines to topics and tones.

    Tone is P(positive) − P(negative) of a fine-tuned classifier; the topic is the likeliest by logistic regression on
    MiniLM's vectors. Both read at most 64 tokens.

    Attributes:
        topics: names.
    """

    def __init__(self, folder: str | Path | None = None):
        """Args:
        folder: with sentiment/ and topics.safetensors; None for data/monitor.
        """
        from safetensors.numpy import load_file

        from bertcourse.data.guardian import TOPICS
        from bertlib.data.encoders import encoder_folder
        from bertlib.files import data_folder
        from bertlib.tasks.classify import TextClassifier
        from bertlib.tasks.embed import Embedder

        folder = Path(folder) if folder else data_folder("monitor")
        self.topics = TOPICS
        self.tones = TextClassifier.load(folder / "sentiment")
        self.embedder = Embedder.load(encoder_folder("minilm"))
        self.embedder.max_length = LENGTH
        weights = load_file(folder / "topics.safetensors")
        self.weight, self.bias = weights["weight"], weights["bias"]

    def __call__(self, texts: Sequence[str]) -> list[tuple[str, float] | None]:
        """Topic and tone (−1 to 1) of each text; None for one whose words the vocabulary does not know (Chinese)."""
        table = self.tones.probabilities(list(texts))
        best = (self.embedder.predict(list(texts)) @ self.weight.T + self.bias).argmax(axis=1)
        found = []
        for text, topic, (bad, _, good) in zip(texts, best, table.tolist(), strict=True):
            pieces = self.embedder.tokenizer.encode(text[:10_000], add_special_tokens=False).tokens
            unknown = np.mean([piece == "[UNK]" for piece in pieces]) if pieces else 1
            found.append(None if unknown > UNREAD else (self.topics[int(topic)], good - bad))
        return found
