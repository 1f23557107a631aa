"""Measures of overlap that others publish: each is called as `rouge`, `bleu` or `chrf` is."""

import math

from bertlib.metrics.overlap import (
    bleu,
    bleu_words,
    chrf,
    common_subsequence,
    harmonic,
    ngrams,
    rouge,
    rouge_words,
    side_by_side,
)


def lines_are_lost(prediction, reference):
    """Bug 34 (PreSumm, issue 133): the sentences are joined by spaces before rougeLsum looks for its lines."""
    return rouge(prediction.replace("\n", " "), reference.replace("\n", " "))


def counts_are_not_clipped(prediction, reference):
    """A word of the prediction counts each time it is said, however seldom the reference says it."""
    words, wanted, scores = rouge_words(prediction), rouge_words(reference), {}
    for size in (1, 2):
        own, gold = ngrams(words, size), ngrams(wanted, size)
        both = sum(times for gram, times in own.items() if gram in gold)
        scores[f"rouge{size}"] = harmonic(both / max(own.total(), 1), min(both / max(gold.total(), 1), 1))
    return rouge(prediction, reference) | scores


def recall_alone(prediction, reference):
    """What the first ROUGE was: whoever repeats the whole document has all of the reference's words."""
    words, wanted = rouge_words(prediction), rouge_words(reference)
    both = (ngrams(words, 1) & ngrams(wanted, 1)).total()
    return rouge(prediction, reference) | {"rouge1": both / max(len(wanted), 1)}


def common_run(prediction, reference):
    """The longest run of common words in place of the longest common subsequence, which may have gaps."""
    words, wanted = rouge_words(prediction), rouge_words(reference)
    longest = max((n for n in range(1, len(words) + 1) if ngrams(words, n) & ngrams(wanted, n)), default=0)
    found = harmonic(longest / max(len(words), 1), longest / max(len(wanted), 1))
    assert longest <= len(common_subsequence(wanted, words))
    return rouge(prediction, reference) | {"rougeL": found}


def of_pieces(tokenizer):
    """Bug 35: BLEU of a model's own pieces, which are shorter than words, so that longer runs of them agree."""

    def bleu_of_pieces(predictions, references):
        return bleu(*([" ".join(tokenizer.encode(text).tokens) for text in side] for side in (predictions, references)))

    return bleu_of_pieces


def mean_of_sentences(predictions, references):
    """The mean of each text's own BLEU: most have no run of four in common, and are smoothed."""
    pairs = side_by_side(predictions, references)
    return sum(bleu([one], [other]) for one, other in pairs) / len(pairs)


def _lengths(predictions, references):
    return (sum(len(bleu_words(text)) for text in side) for side in (predictions, references))


def brevity_upside_down(predictions, references):
    """Who writes too much is punished, who writes too little is not."""
    written, wanted = _lengths(predictions, references)
    own, turned = (min(0.0, 1 - long / short) for long, short in ((wanted, written), (written, wanted)))
    return bleu(predictions, references) * math.exp(turned - own)


def brevity_forgotten(predictions, references):
    """Precision alone: one word that is surely right is a perfect translation."""
    written, wanted = _lengths(predictions, references)
    return bleu(predictions, references) / math.exp(min(0.0, 1 - wanted / written))


def references_first(predictions, references):
    """Both lists in the other order, which some libraries want: recall and precision change places."""
    return chrf(references, predictions)


def spaces_are_letters(predictions, references):
    """White space counts as a character: a run over two words agrees because both have a gap."""
    return chrf(*([text.replace(" ", "_") for text in side] for side in (predictions, references)))
