"""The endless stream of pretraining batches drawn from encoded documents."""

import hashlib
import math
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import torch
from tokenizers import Tokenizer

from bertlib.progress import progress_bar
from bertlib.text.batching import Batch, length_buckets, pack, pad_batch
from bertlib.text.corpus import EncodedCorpus, encode_documents, vocabulary_digest
from bertlib.text.masking import IGNORED, mask_tokens
from bertlib.text.pairs import SPECIALS_A_PAIR, Pair, next_sentence_pairs
from bertlib.text.tokenizer import USUAL_NAMES, special_tokens, vocabulary_size

Documents = Sequence[Sequence[str]] | EncodedCorpus  # documents of sentences


def special_ids(tokenizer: Tokenizer) -> dict[str, int]:
    """The ids of [PAD], [UNK], [CLS], [SEP] and [MASK], under these names whatever the tokenizer calls them."""
    names = special_tokens(tokenizer)
    ids = {usual[0]: tokenizer.token_to_id(names.get(role, usual[0])) for role, usual in USUAL_NAMES.items()}
    absent = [token for token, number in ids.items() if number is None]
    if absent:
        raise ValueError(f"tokenizer has no {' and no '.join(absent)}: pretraining needs {', '.join(ids)}")
    return ids


class PretrainingData:
    """Encoded documents, and the endless stream of batches drawn from them.

    Batch number n is a pure function of the documents, the settings and n: each pass over the documents draws its pairs
    and its order anew from (seed, pass), each batch its masks from (seed, n). Nothing has to be remembered to go on
    from the middle, and no mask is ever used twice (RoBERTa's dynamic masking; Liu et al., 2019, §4.1).

    A pass over a large corpus goes section by section, each a random part of the documents, whose pairs alone are in
    memory (of Wikipedia a few hundred MB). A false second segment comes from the same section.

    Attributes:
        sentences: the documents as token ids, without special tokens; `tokens` counts them.
        section: documents per section, at most.
    """

    section = 50_000

    def __init__(
        self,
        documents: Documents,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        batch_size: int,
        seed: int = 0,
        probability: float = 0.15,
        whole_words: bool = False,
        topics: Sequence | None = None,
        packing: bool = False,
        show_progress: bool = True,
    ):
        """Encode the documents, unless they are encoded already.

        Args:
            documents: each a sequence of sentences; or an EncodedCorpus, of any size.
            tokenizer: with the five special tokens.
            max_length: tokens a pair may have.
            batch_size: pairs per batch, packed or not.
            seed: of pairs, order and masks.
            probability, whole_words: see `bertlib.text.masking.mask_tokens`.
            topics: see `bertlib.text.pairs.next_sentence_pairs`.
            packing: several short pairs in a row of max_length, in place of batches of similar length; see
                `bertlib.text.batching.pack`.

        Raises:
            ValueError: no document has two sentences, an argument is out of its range, or the corpus has another
                vocabulary.
        """
        if not len(documents):
            raise ValueError("documents is empty: give at least two documents of two sentences")
        self.ids = special_ids(tokenizer)
        self.vocab_size = vocabulary_size(tokenizer)
        self.max_length, self.batch_size, self.seed = max_length, batch_size, seed
        self.probability, self.topics, self.packing = probability, topics, packing
        if whole_words and type(tokenizer.model).__name__ != "WordPiece":
            raise ValueError(
                f"whole_words=True with a tokenizer of the kind {type(tokenizer.model).__name__}: only WordPiece marks "
                "the pieces that go on with a word (##); leave it out"
            )
        pieces = tokenizer.get_vocab()
        continuations = sorted(number for piece, number in pieces.items() if piece.startswith("##"))
        self.continuation_ids = continuations if whole_words else None
        if isinstance(documents, EncodedCorpus):
            if documents.vocabulary != vocabulary_digest(tokenizer):
                raise ValueError(f"{documents.folder} was encoded with another vocabulary: encode it again")
            self.sentences, self.tokens = documents, documents.tokens
        else:
            encoded = encode_documents(documents, tokenizer)
            bar = {"what": "encoding", "unit": "documents", "total": len(documents), "show": show_progress}
            self.sentences = list(progress_bar(encoded, **bar))
            self.tokens = sum(len(sentence) for document in self.sentences for sentence in document)
        self.sections = math.ceil(len(documents) / self.section)
        self._drawn: dict[int, list[list[Pair]]] = {}
        self._starts = [0]  # number of the first batch of each section of each pass
        self.batches_of_section(0)  # raises now, not in the middle of training, if there is nothing to pair

    def digest(self) -> str:
        """A fingerprint of the encoded documents."""
        if isinstance(self.sentences, EncodedCorpus):
            return self.sentences.digest()
        digest = hashlib.sha256()
        for document in self.sentences:
            for sentence in document:
                digest.update(np.asarray(sentence, dtype=np.int32).tobytes() + b"\n")
            digest.update(b"\n")
        return digest.hexdigest()[:16]

    def batches_of_section(self, turn: int) -> list[list[Pair]]:
        """The pairs of section `turn % sections` of pass `turn // sections`, grouped into batches, in random order."""
        if turn not in self._drawn:
            rng = np.random.default_rng((self.seed, 0, turn))
            documents, topics = self.sentences, self.topics
            if self.sections > 1:
                in_pass, place = divmod(turn, self.sections)
                order = np.random.default_rng((self.seed, 2, in_pass)).permutation(len(self.sentences))
                chosen = np.sort(np.array_split(order, self.sections)[place]).tolist()
                documents = [self.sentences[i] for i in chosen]
                topics = None if topics is None else [topics[i] for i in chosen]
            pairs = next_sentence_pairs(documents, max_length=self.max_length, rng=rng, topics=topics)
            if self.packing:
                order = rng.permutation(len(pairs)).tolist()
                chosen = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
            else:
                lengths = [len(pair.first) + len(pair.second) + SPECIALS_A_PAIR for pair in pairs]
                chosen = length_buckets(lengths, self.batch_size, rng)
            batches = [[pairs[i] for i in batch] for batch in chosen]
            self._drawn = {n: kept for n, kept in self._drawn.items() if n == turn - 1} | {turn: batches}
            if turn == len(self._starts) - 1:
                self._starts.append(self._starts[-1] + len(batches))
        return self._drawn[turn]

    def batches_of_pass(self, number: int) -> list[list[Pair]]:
        """The pairs of one pass over the documents, grouped by length into batches, in random order."""
        turns = range(number * self.sections, (number + 1) * self.sections)
        return [batch for turn in turns for batch in self.batches_of_section(turn)]

    def batch(self, number: int) -> Batch:
        """Batch `number` of the stream, from 0: input_ids (masked), attention_mask (sequence_ids if packed),
        token_type_ids, labels (B, T); next_sentence_label, one a pair. All torch.long.
        """
        while number >= self._starts[-1]:
            self.batches_of_section(len(self._starts) - 1)
        turn = int(np.searchsorted(self._starts, number, side="right")) - 1
        pairs = self.batches_of_section(turn)[number - self._starts[turn]]
        joined = [pair.join(self.ids["[CLS]"], self.ids["[SEP]"]) for pair in pairs]
        if self.packing:
            rows = pack([len(ids) for ids, _ in joined], self.max_length)
            pairs = [pairs[i] for row in rows for i in row]
            numbers = [[n for n, i in enumerate(row, start=1) for _ in joined[i][0]] for row in rows]
            joined = [tuple(list(chain(*(joined[i][k] for i in row))) for k in (0, 1)) for row in rows]
        input_ids, attention_mask = pad_batch([ids for ids, _ in joined], self.ids["[PAD]"])
        masked, labels = mask_tokens(
            input_ids,
            vocab_size=self.vocab_size,
            mask_token_id=self.ids["[MASK]"],
            special_ids=list(self.ids.values()),
            rng=np.random.default_rng((self.seed, 1, number)),
            probability=self.probability,
            continuation_ids=self.continuation_ids,
        )
        padding = {"sequence_ids": pad_batch(numbers, 0)[0]} if self.packing else {"attention_mask": attention_mask}
        return padding | {
            "input_ids": masked,
            "token_type_ids": pad_batch([segments for _, segments in joined], 0)[0],
            "labels": labels,
            "next_sentence_label": torch.tensor([pair.label for pair in pairs]),
        }

    def one_pass(self) -> list[Batch]:
        """The batches of the first pass: every document once, always with the same masks. For evaluation."""
        return [self.batch(number) for number in range(len(self.batches_of_pass(0)))]

    def token_counts(self) -> np.ndarray:
        """How often each id occurs, int64 (V,)."""
        if isinstance(self.sentences, EncodedCorpus):
            return sum(np.bincount(part, minlength=self.vocab_size) for part in self.sentences.token_parts())
        flat = [np.asarray(sentence) for document in self.sentences for sentence in document if sentence]
        return np.bincount(np.concatenate(flat), minlength=self.vocab_size)


class Stretch(Sequence):
    """Batches `first` to `first + count` of a stream, each built, checked and given its places when it is asked for."""

    def __init__(self, data: PretrainingData, first: int, count: int, check: Callable[[Batch], None]):
        self.data, self.first, self.count, self.check = data, first, count, check

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        batch = self.data.batch(self.first + index)
        self.check(batch)
        return with_places(batch)


def with_places(batch: Batch) -> Batch:
    """A batch with what the model would have to look for, which makes a GPU wait for the host.

    Added are `selected` (M,), the places of the selected tokens in the rows laid end to end, and of packed rows
    `sequence_starts` (N,), those of their sequences' first tokens. A mask that hides nothing is left out.
    """
    batch = dict(batch) | {"selected": (batch["labels"] != IGNORED).flatten().nonzero().flatten()}
    if "sequence_ids" in batch:
        ids = batch["sequence_ids"]
        first = ids.diff(dim=-1, prepend=torch.zeros_like(ids[:, :1])) > 0
        batch["sequence_starts"] = first.flatten().nonzero().flatten()
    elif batch["attention_mask"].all():
        del batch["attention_mask"]
    return batch


def real_tokens(batch: Batch) -> int:
    """Tokens of a batch, padding left out."""
    if "sequence_ids" in batch:
        return int((batch["sequence_ids"] > 0).sum())
    return int(batch["attention_mask"].sum()) if "attention_mask" in batch else batch["input_ids"].numel()
