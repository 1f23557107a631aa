"""What a text shares with a reference: ROUGE (Lin, 2004), BLEU (Papineni et al., 2002), chrF (Popović, 2015).

ROUGE reads as the package rouge-score does (letters a to z and digits, lower case, no stemming), BLEU and chrF as
sacrebleu's defaults (13a, exponential smoothing; characters up to 6, β = 2). Other readings give other figures.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

MARKS = re.compile(r"([{-~\[-` -&(-+:-@/])")  # ASCII's marks without ' , - and .
DOTS = (re.compile(r"([^0-9])([.,])"), re.compile(r"([.,])([^0-9])"), re.compile(r"([0-9])(-)"))
ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def ngrams(tokens: Sequence, size: int) -> Counter:
    """How often each run of `size` tokens occurs."""
    return Counter(tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1))


def harmonic(precision: float, recall: float, weight: float = 1.0) -> float:
    """F: recall counts `weight` times as much as precision; 0 where both are 0."""
    total = weight**2 * precision + recall
    return (1 + weight**2) * precision * recall / total if total else 0.0


def rouge_words(text: str) -> list[str]:
    """The words that ROUGE compares: runs of a to z and digits, in lower case. Any other letter parts words."""
    return re.findall(r"[a-z0-9]+", text.lower())


def common_subsequence(first: Sequence, second: Sequence) -> list[int]:
    """Where in `first` the tokens of a longest common subsequence stand, ascending (Cormen et al., 2009, 15.4).

    Of several it is the one that rouge-score finds, on which rougeLsum depends.
    """
    table = [[0] * (len(second) + 1)]
    for token in first:
        row, above = [0], table[-1]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if token == other else max(above[j + 1], row[j]))
        table.append(row)
    places, i, j = [], len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places[::-1]


def rouge(prediction: str, reference: str) -> dict[str, float]:
    """F1 of common words, word pairs and longest common subsequence, each from 0 to 1.

    Returns:
        "rouge1", "rouge2", "rougeL" over the whole texts, and "rougeLsum", which takes each line of the reference with
        each of the prediction: give it one sentence a line, or it is another rougeL. A text without words gives 0.
    """
    words, wanted = rouge_words(prediction), rouge_words(reference)
    scores = {}
    for size in (1, 2):
        own, gold = ngrams(words, size), ngrams(wanted, size)
        both = (own & gold).total()  # each as often as it occurs in both: no word is counted twice for one
        scores[f"rouge{size}"] = harmonic(both / max(own.total(), 1), both / max(gold.total(), 1))
    longest = len(common_subsequence(wanted, words))
    scores["rougeL"] = harmonic(longest / max(len(words), 1), longest / max(len(wanted), 1))
    lines, left = [rouge_words(line) for line in prediction.split("\n")], Counter(words)
    hits = 0
    for line in map(rouge_words, reference.split("\n")):
        for place in sorted(set().union(*(common_subsequence(line, other) for other in lines))):
            hits += left[line[place]] > 0
            left[line[place]] -= 1
    scores["rougeLsum"] = harmonic(hits / max(len(words), 1), hits / max(len(wanted), 1))
    return scores


def bleu_words(text: str) -> list[str]:
    """Words and marks as mteval-v13a parts them. Give it text as people read it, not a model's pieces."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for written, meant in ENTITIES:
        text = text.replace(written, meant)
    text = MARKS.sub(r" \1 ", f" {text} ")
    for pattern, put in zip(DOTS, (r"\1 \2 ", r" \1 \2", r"\1 \2 "), strict=True):
        text = pattern.sub(put, text)
    return text.split()


def side_by_side(predictions: Iterable[str], references: Iterable[str]) -> list[tuple[str, str]]:
    """Both, one by one; a ValueError where they are not as many, or none, or a single string."""
    if isinstance(predictions, str) or isinstance(references, str):
        raise ValueError("predictions and references: give a list of texts for each, not one string")
    predictions, references = list(predictions), list(references)
    if len(predictions) != len(references) or not references:
        told = f"{len(predictions)} predictions and {len(references)} references"
        raise ValueError(f"{told}: give one reference for each prediction")
    return list(zip(predictions, references, strict=True))


def bleu_counts(prediction: str, reference: str) -> list[int]:
    """What BLEU adds up over texts: words written, words wanted; for 1 to 4 words the runs that are right, and all."""
    words, gold = bleu_words(prediction), bleu_words(reference)
    counts = [len(words), len(gold)]
    for size in range(1, 5):
        own = ngrams(words, size)
        counts += [(own & ngrams(gold, size)).total(), own.total()]
    return counts


def bleu_of(counts: Iterable[Sequence[int]]) -> float:
    """BLEU of texts by their counts, which are summed before any quotient is taken."""
    written, wanted, *runs = (sum(column) for column in zip(*counts, strict=True))
    right, all_of = runs[::2], runs[1::2]
    if not all(all_of) or not any(right):
        return 0.0
    precisions, halved = [], 1.0
    for hits, count in zip(right, all_of, strict=True):
        halved *= 1 if hits else 2  # a size without a hit counts as half a hit, the next one as a quarter
        precisions.append((hits or 1 / halved) / count)
    brevity = math.exp(min(0.0, 1 - wanted / written))  # nothing else would stop a system that writes too little
    return 100 * brevity * math.exp(sum(map(math.log, precisions)) / 4)


def bleu(predictions: Iterable[str], references: Iterable[str]) -> float:
    """Corpus BLEU, 0 to 100, with one reference for each text.

    Raises a ValueError where there are not as many references as predictions, or none.
    """
    return bleu_of([bleu_counts(*pair) for pair in side_by_side(predictions, references)])


def chrf_counts(prediction: str, reference: str) -> list[int]:
    """What chrF adds up: for 1 to 6 characters the runs written, wanted, and in both."""
    letters, gold_letters = ("".join(text.split()) for text in (prediction, reference))
    counts = []
    for size in range(1, 7):
        own, gold = ngrams(letters, size), ngrams(gold_letters, size)
        # Where the reference is too short, nothing could have been hit.
        counts += [own.total() if gold else 0, gold.total(), (own & gold).total()]
    return counts


def chrf_of(counts: Iterable[Sequence[int]]) -> float:
    """chrF of texts by their counts."""
    total = [sum(column) for column in zip(*counts, strict=True)]
    kept = [total[i : i + 3] for i in range(0, 18, 3) if total[i] and total[i + 1]]
    if not kept:
        return 0.0
    precision, recall = (sum(row[2] / row[side] for row in kept) / len(kept) for side in (0, 1))
    return 100 * harmonic(precision, recall, weight=2.0)


def chrf(predictions: Iterable[str], references: Iterable[str]) -> float:
    """Corpus chrF, 0 to 100: runs of 1 to 6 characters without spaces, recall counts twice. Raises as `bleu`."""
    return chrf_of([chrf_counts(*pair) for pair in side_by_side(predictions, references)])
