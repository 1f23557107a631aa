"""What `predict` is given: one text or several, their token ids, groups of like length. All of it without torch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from bertlib.text.tokenizer import encode_batch


def one_or_many(given: Any, *, pairs: bool = False) -> tuple[list, bool]:
    """What `predict` was given, as a list, and whether it was a single one: one input gives one result, not a list.

    Args:
        given: a text, or several: a list, tuple, array, generator, a column of a data set or of a data frame. With
            pairs a tuple of two texts, or several such pairs; each may be a list too.

    Returns:
        Strings, or with pairs tuples of two of them.

    Raises:
        ValueError: it is nothing of that, or there is none; a text is no string, or holds half a character (a cut
            emoji, say), which no tokenizer can read. The message names the place.
    """
    name, wanted = ("pairs", "a pair of texts, or a list of pairs") if pairs else ("texts", "a text or a list of them")
    if getattr(given, "ndim", 1) == 0:  # an array of a single thing
        given = given.item()
    single = isinstance(given, tuple) and all(isinstance(x, str) for x in given) if pairs else isinstance(given, str)
    # Of a mapping or a data frame one would get the names; a set has no order, so that no result could be told apart.
    unfit = isinstance(given, str | bytes | bytearray | Mapping | set | frozenset) or hasattr(given, "columns")
    if not single and (unfit or not isinstance(given, Iterable)):
        raise ValueError(f"{name} is {shown(given)}: give {wanted}")
    several = [given] if single else list(given)
    if not several:
        raise ValueError(f"{name} is empty: give {wanted}")
    for i, given in enumerate(several):
        if not pairs:
            several[i] = checked(given, f"texts[{i}]")
        elif isinstance(given, tuple | list | np.ndarray) and len(given) == 2:
            several[i] = tuple(checked(text, f"pairs[{i}][{j}]") for j, text in enumerate(given))
        else:
            raise ValueError(f"pairs[{i}] is {shown(given)}: give two texts, as (first, second)")
    return several, single


def shown(given: Any) -> str:
    """What something is, for a message of one line."""
    return " ".join(f"{type(given).__name__} {given!r:.60}".split())


def checked(text: Any, place: str) -> str:
    """A text as a string that can be tokenized; a ValueError that names its place if it is none."""
    if not isinstance(text, str):
        raise ValueError(f"{place} is {shown(text)}: give strings")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place}: character {error.start} is half a character ({text[error.start]!a}, a surrogate without its "
            "other half); remove it, or read the text again from its source"
        ) from error
    return str(text)  # of a string of numpy, whose kind the tokenizers do not know


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of every text, with [CLS] and [SEP], cut to max_length tokens (the closing [SEP] stays).

    Raises:
        ValueError: no texts, a text that is empty, not a string or half a character, or max_length below 3.
    """
    if max_length < 3:
        raise ValueError(f"max_length={max_length}: give at least 3, for [CLS], one token and [SEP]")
    if isinstance(texts, str) or not len(texts):
        raise ValueError(f"texts={texts!r}: give a list with at least one text")
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"texts[{index}] is {text!r}: every text must be a string with something in it")
    tokenizer.no_padding()
    tokenizer.no_truncation()  # cut here: a tokenizer's own setting would hold for other threads' texts, too
    closing = min(tokenizer.num_special_tokens_to_add(is_pair=False), 1)
    kept, encoded = max_length - closing, [encoding.ids for encoding in encode_batch(tokenizer, texts)]
    return [ids if len(ids) <= max_length else ids[:kept] + ids[len(ids) - closing :] for ids in encoded]


def encode_pairs(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], max_length: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids and segment ids of every pair: [CLS] first [SEP] second [SEP], segment 1 from the second text on.

    The longer text is cut at its end, token by token, as by transformers; of two equally long ones the first
    (google-research/bert and transformers before release 5 take the second).

    Raises:
        ValueError: no pairs, something else than two strings with something in them, or max_length below 5.
    """
    if max_length < 5:
        raise ValueError(f"max_length={max_length}: give at least 5, for [CLS], two [SEP] and a token of each text")
    if not len(pairs):
        raise ValueError(f"pairs={pairs!r}: give a list with at least one pair")
    for index, pair in enumerate(pairs):
        if not (isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2):
            raise ValueError(f"pairs[{index}] is {pair!r}: give two texts, as (first, second)")
        if not all(isinstance(text, str) and text.strip() for text in pair):
            raise ValueError(f"pairs[{index}] is {pair!r}: both must be strings with something in them")
    cutting = Tokenizer.from_str(tokenizer.to_str())  # a tokenizer's own setting would hold for other threads, too
    cutting.no_padding()
    cutting.enable_truncation(max_length, strategy="longest_first")
    encoded = cutting.encode_batch([tuple(pair) for pair in pairs])
    return [encoding.ids for encoding in encoded], [encoding.type_ids for encoding in encoded]


def length_buckets(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None, *, jitter: float = 0.1
) -> list[list[int]]:
    """Split examples into batches of similar length, so that little is padded; every example occurs exactly once.

    With an rng, each length is first misjudged at random by up to the share `jitter`, and the batches come in random
    order: every epoch sees other neighbours, and no epoch sees all short texts first. Without one the split is exactly
    by length, which is best for evaluation.

    Args:
        lengths: tokens of each example.
        batch_size: examples per batch (one may be smaller).
        jitter: smaller pads less, larger mixes better.

    Raises:
        ValueError: no examples, or a batch_size below 1.
    """
    if not len(lengths):
        raise ValueError("lengths is empty: there is nothing to batch; give at least one example")
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}: give at least 1")
    judged = np.asarray(lengths, dtype=float)
    if rng is not None:
        judged = judged * rng.uniform(1 - jitter, 1 + jitter, size=len(judged))
    order = np.argsort(judged, kind="stable").tolist()
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches
