"""Wrong answers as learners write them, or the zoo's: above all to checks that judge by properties, not by a reference.

Where a mistake has a hint of its own, it stands beside the answer: a part of the hint that the learner must get.
"""

import math
import random
from itertools import pairwise

import numpy as np
import torch
from bug_zoo import masking_bugs, pair_bugs
from solutions import attention, classification, looking, masking, pairs, search, speed, tagging

from bertlib.text.masking import mask_tokens

FIXED = np.random.default_rng(0).random((5000, 64))


# ------------------------------------------------------------------------------------------------------------ masking


def selects_specials(ids, special, share, rng):
    return torch.from_numpy(rng.random(ids.shape)) < share


def selects_the_rest(ids, special, share, rng):
    return (torch.from_numpy(rng.random(ids.shape)) > share) & ~special


def share_of_all(ids, special, share, rng):
    return (torch.from_numpy(rng.random(ids.shape)) < share * 64 / 57) & ~special


def one_draw_for_all(ids, special, share, rng):
    return torch.full(ids.shape, bool(rng.random() < share)) & ~special


def own_generator(ids, special, share, rng):
    return (torch.from_numpy(np.random.default_rng(0).random(ids.shape)) < share) & ~special


def global_generator(ids, special, share, rng):
    return (torch.rand(ids.shape) < share) & ~special


def every_seventh(ids, special, share, rng):
    return (torch.arange(ids.size(1)).expand_as(ids) % 7 == 0) & ~special


def exactly_each_row(ids, special, share, rng):
    return torch.from_numpy(masking.my_exactly(ids.numpy(), special.numpy(), share, rng))


def numbers_for_truths(ids, special, share, rng):
    return masking.my_select(ids, special, share, rng).long()


def exactly_with_specials(ids, special, share, rng):
    return rng.random(ids.shape).argsort(axis=1).argsort(axis=1) < round(share * ids.shape[1])


def exactly_of_all(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(axis=1).argsort(axis=1) < round(share * ids.shape[1])


def argsort_once(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return (draws.argsort(axis=1) < round(share * (~special[0]).sum())) & ~special


def always_the_first(ids, special, share, rng):
    return (np.cumsum(~special, axis=1) <= round(share * (~special[0]).sum())) & ~special


def the_same_for_all_rows(ids, special, share, rng):
    return np.repeat(masking.my_exactly(ids[:1], special[:1], share, rng), len(ids), axis=0)


def about_the_share(ids, special, share, rng):
    return (rng.random(ids.shape) < share) & ~special


def floor_of_the_share(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(axis=1).argsort(axis=1) < int(share * (~special[0]).sum()) - 1


def cut_off(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(axis=1).argsort(axis=1) < int(share * (~special[0]).sum())


def always_up(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(axis=1).argsort(axis=1) < np.ceil(share * (~special[0]).sum())


def exactly_without_rng(ids, special, share, rng):
    return masking.my_exactly(ids, special, share, np.random.default_rng(1))


def two_draws_in_a_row(input_ids, *, vocab_size, mask_token_id, special_ids, rng):
    """80 % masked; of the rest 10 % random: 80/2/18."""
    chosen = torch.from_numpy((rng.random(input_ids.shape) < 0.15) & ~np.isin(input_ids.numpy(), special_ids))
    masked = chosen & torch.from_numpy(rng.random(input_ids.shape) < 0.8)
    replaced = chosen & ~masked & torch.from_numpy(rng.random(input_ids.shape) < 0.1)
    ordinary = [number for number in range(vocab_size) if number not in special_ids]
    shown = torch.where(masked, mask_token_id, input_ids)
    shown[replaced] = torch.from_numpy(rng.choice(ordinary, int(replaced.sum())))
    return shown, torch.where(chosen, input_ids, -100)


def always_the_mask(input_ids, *, vocab_size, mask_token_id, special_ids, rng):
    chosen = torch.from_numpy((rng.random(input_ids.shape) < 0.15) & ~np.isin(input_ids.numpy(), special_ids))
    return torch.where(chosen, mask_token_id, input_ids), torch.where(chosen, input_ids, -100)


def _fates(random_below, mask=0.8, random_above=0.8, label=None):
    """A masking whose tokens are shown as `mask` says, replaced between two bounds, and labelled as `label` says."""

    def mask_some(input_ids, *, vocab_size, mask_token_id, special_ids, rng):
        chosen = torch.from_numpy((rng.random(input_ids.shape) < 0.15) & ~np.isin(input_ids.numpy(), special_ids))
        fate = torch.from_numpy(rng.random(input_ids.shape))
        ordinary = [number for number in range(vocab_size) if number not in special_ids]
        random = torch.from_numpy(rng.choice(ordinary, input_ids.shape))
        shown = torch.where(chosen & (fate >= random_above) & (fate < random_below), random, input_ids)
        shown = torch.where(chosen & (fate < mask), mask_token_id, shown)
        return shown, torch.where(chosen if label is None else label(shown, input_ids), input_ids, -100)

    return mask_some


def fifteen_of_everything(input_ids, **settings):
    return mask_tokens(input_ids, probability=0.15 * 64 / 57, **settings)


def never_the_last_id(input_ids, *, vocab_size, mask_token_id, special_ids, rng):
    shown, labels = mask_tokens(
        input_ids, vocab_size=vocab_size, mask_token_id=mask_token_id, special_ids=special_ids, rng=rng
    )
    drawn = (shown != input_ids) & (shown == vocab_size - 1)
    return torch.where(drawn, vocab_size - 2, shown), labels


def labels_of_zero(input_ids, **settings):
    shown, labels = mask_tokens(input_ids, **settings)
    return shown, torch.where(labels == -100, 0, labels)


def labels_alone(input_ids, **settings):
    return mask_tokens(input_ids, **settings)[1]


# -------------------------------------------------------------------------------------------------------------- pairs


def one_is_next(first, second):
    return 1 - pairs.my_label(first, second)


def same_document_is_next(first, second):
    return 0 if first[0] == second[0] else 1


def same_place_suffices(first, second):
    return 0 if second[1] == first[1] + 1 else 1


def any_later_is_next(first, second):
    return 0 if first[0] == second[0] and second[1] > first[1] else 1


def truth_for_a_number(first, second):
    return second != (first[0], first[1] + 1)


def always_next(first, second):
    return 0


def own_document_too(documents, document, sentence, rng):
    other = int(rng.integers(len(documents)))
    return other, int(rng.integers(len(documents[other])))


def another_document_is_enough(documents, document, sentence, rng):
    other = (document + int(rng.integers(1, len(documents)))) % len(documents)
    return other, int(rng.integers(len(documents[other])))


def the_first_sentence(documents, document, sentence, rng):
    return (document + int(rng.integers(1, len(documents)))) % len(documents), 0


def the_next_document(documents, document, sentence, rng):
    other = (document + 1) % len(documents)
    return other, int(rng.integers(len(documents[other])))


def one_too_far(documents, document, sentence, rng):
    other, _ = pairs.my_random_next(documents, document, sentence, rng)
    return other, int(rng.integers(len(documents[other]) + 1))


def not_from_the_rng(documents, document, sentence, rng):
    return pairs.my_random_next(documents, document, sentence, np.random.default_rng())


def from_a_fixed_rng(documents, document, sentence, rng):
    return pairs.my_random_next(documents, document, sentence, np.random.default_rng(0))


def the_sentence_itself(documents, document, sentence, rng):
    other, place = pairs.my_random_next(documents, document, sentence, rng)
    return documents[other][place]


def _built(change):
    def build(documents, rng):
        return [change(*pair, documents, rng) for pair in pairs.my_build(documents, rng)]

    return build


def from_the_zoo(builder):
    def build(documents, rng):
        found = builder(documents, max_length=512, rng=rng)
        return [(pair.first, pair.second, pair.label) for pair in found]

    return build


def mostly_true(documents, rng):
    pairs_ = pairs.my_build(documents, rng)
    return [pair if pair[2] == 0 or rng.random() < 0.5 else (*_true(documents, pair[0]), 0) for pair in pairs_]


def _true(documents, first):
    for document in documents:
        if first in document:
            return first, document[document.index(first) + 1]
    raise LookupError


def across_documents(documents, rng):
    flat = [sentence for document in documents for sentence in document]
    return [(one, other, 0) for one, other in pairwise(flat)]


def built_without_the_rng(documents, rng):
    return pairs.my_build(documents, np.random.default_rng())


def built_with_a_fixed_rng(documents, rng):
    return pairs.my_build(documents, np.random.default_rng(0))


def last_pairs_missing(documents, rng):
    return pairs.my_build(documents, rng)[:-1]


# ---------------------------------------------------------------------------------------------- packing and batching


def one_a_row(lengths, room):
    return [[index] for index in range(len(lengths))]


def in_order(lengths, room):
    rows, used = [[]], 0
    for index, length in enumerate(lengths):
        if used + length > room:
            rows.append([])
            used = 0
        rows[-1].append(index)
        used += length
    return rows


def too_full(lengths, room):
    return speed.my_pack(lengths, room + max(lengths))


def the_lengths(lengths, room):
    return [[lengths[index] for index in row] for row in speed.my_pack(lengths, room)]


def one_missing(lengths, room):
    return [row for row in speed.my_pack(lengths, room) if 0 not in row]


def an_empty_row(lengths, room):
    return [*speed.my_pack(lengths, room), []]


def shortest_first(lengths, batch_size, rng):
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def drawn_texts(lengths, batch_size, rng):
    order = rng.permutation(len(lengths)).tolist()
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def batches_as_they_come(lengths, batch_size, rng):
    batches = unsorted_batches(lengths, batch_size)
    return [batches[place] for place in rng.permutation(len(batches))]


def always_the_same_order(lengths, batch_size, rng):
    return speed.my_buckets(lengths, batch_size, np.random.default_rng(0))


def an_order_of_its_own(lengths, batch_size, rng):
    return speed.my_buckets(lengths, batch_size, np.random.default_rng())


def one_batch_fewer(lengths, batch_size, rng):
    return speed.my_buckets(lengths, batch_size, rng)[1:]


def buckets_of_lengths(lengths, batch_size, rng):
    return [[lengths[index] for index in batch] for batch in speed.my_buckets(lengths, batch_size, rng)]


def scores_everything(hidden, labels, head):
    return speed.F.cross_entropy(head(hidden).flatten(0, 1), labels.flatten())


def scores_in_turn(hidden, labels, head):
    return (
        torch.stack(
            [
                speed.my_selected_loss(hidden, torch.where(labels == label, label, -100), head)
                * (labels == label).sum()
                for label in labels[labels >= 0].unique()
            ]
        ).sum()
        / (labels >= 0).sum()
        + 0 * head(hidden).sum()
    )


def loss_without_gradient(hidden, labels, head):
    return speed.my_selected_loss(hidden, labels, head).item()


def unsorted_batches(lengths, batch_size):
    return [list(range(start, min(start + batch_size, len(lengths)))) for start in range(0, len(lengths), batch_size)]


def last_batch_missing(lengths, batch_size):
    return [batch for batch in classification.my_buckets(lengths, batch_size) if len(batch) == batch_size]


def batches_of_lengths(lengths, batch_size):
    return [[lengths[index] for index in batch] for batch in classification.my_buckets(lengths, batch_size)]


def doubled_batches(lengths, batch_size):
    return classification.my_buckets(lengths, 2 * batch_size)


def shuffled_batches(lengths, batch_size):
    order = list(range(len(lengths)))
    random.shuffle(order)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def overlapping_batches(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size - 1)]


def split_without_looking(texts, share, rng):
    order = rng.permutation(len(texts)).tolist()
    count = round(share * len(texts))
    return order[count:], order[:count]


def split_at_the_end(texts, share, rng):
    count = round(share * len(texts))
    return list(range(len(texts) - count)), list(range(len(texts) - count, len(texts)))


def split_without_copies(texts, share, rng):
    train, test = classification.my_split(texts, share, rng)
    seen = {}
    return [i for i in train if seen.setdefault(texts[i], i) == i], test


def split_without_rng(texts, share, rng):
    return classification.my_split(texts, share, np.random.default_rng(3))


def split_by_chance(texts, share, rng):
    return classification.my_split(texts, share, np.random.default_rng())


def split_in_half(texts, share, rng):
    return classification.my_split(texts, 0.5, rng)


def split_of_texts(texts, share, rng):
    return tuple([texts[i] for i in part] for part in classification.my_split(texts, share, rng))


# ------------------------------------------------------------------------------------------------- windows, gradients


def no_overlap(length, room, overlap):
    return [(start, min(start + room, length)) for start in range(0, length, room)]


def end_cut_off(length, room, overlap):
    return [(start, start + room) for start in range(0, length - room + 1, room - overlap)] or [(0, length)]


def beyond_the_end(length, room, overlap):
    return [(start, start + room) for start, _ in tagging.my_windows(length, room, overlap)]


def too_many_windows(length, room, overlap):
    return [(start, min(start + room, length)) for start in range(length)]


def one_window(length, room, overlap):
    return [(0, min(length, room))]


def too_wide(length, room, overlap):
    return tagging.my_windows(length, room + 1, overlap)


def a_window_too_many(length, room, overlap):
    return [(start, min(start + room, length)) for start in range(0, length, room - overlap)]


def gradient_at_the_end(score, x, baseline, steps):
    return looking.my_gradient_times_input(score, x)


def times_x(score, x, baseline, steps):
    mean = looking.my_integrated_gradients(score, x, baseline, steps)
    return mean if not baseline.any() else _mean_gradient(score, x, baseline, steps, x)


def _mean_gradient(score, x, baseline, steps, by):
    total = torch.zeros_like(x)
    for step in range(steps):
        point = (baseline + (step + 0.5) / steps * (x - baseline)).requires_grad_()
        total += torch.autograd.grad(score(point), point)[0]
    return (total / steps * by).sum(dim=-1)


def from_zero(score, x, baseline, steps):
    return looking.my_integrated_gradients(score, x, torch.zeros_like(x), steps)


def not_multiplied(score, x, baseline, steps):
    return _mean_gradient(score, x, baseline, steps, torch.ones_like(x))


def not_divided(score, x, baseline, steps):
    return steps * looking.my_integrated_gradients(score, x, baseline, steps)


def each_dimension(score, x, baseline, steps):
    return x - baseline


def too_few_steps(score, x, baseline, steps):
    return looking.my_integrated_gradients(score, x, baseline, 1)


# ------------------------------------------------------------------------------------- edge cases, and texts as words


def follows_without_none(before, tag):
    return not tag.startswith("I-") or before[2:] == tag[2:]


def divides_by_nothing(gold, predicted):
    there, found = (
        {(number, *entity) for number, tags in enumerate(texts) for entity in tagging.my_spans(tags)}
        for texts in (gold, predicted)
    )
    return 2 * len(there & found) / (len(there) + len(found))


def mean_of_precision_and_recall(gold, predicted):
    there, found = (
        {(number, *entity) for number, tags in enumerate(texts) for entity in tagging.my_spans(tags)}
        for texts in (gold, predicted)
    )
    precision, recall = len(there & found) / len(found), len(there & found) / len(there)
    return 2 * precision * recall / (precision + recall)


def without_text_numbers(gold, predicted):
    there, found = ([e for tags in texts for e in tagging.my_spans(tags)] for texts in (gold, predicted))
    right = len(set(there) & set(found))
    return 2 * right / (len(there) + len(found)) if right else 0.0


def sets_without_text_numbers(gold, predicted):
    there, found = ({e for tags in texts for e in tagging.my_spans(tags)} for texts in (gold, predicted))
    return 2 * len(there & found) / (len(there) + len(found)) if there & found else 0.0


def found_in_any_text(gold, predicted):
    there, found = ([e for tags in texts for e in tagging.my_spans(tags)] for texts in (gold, predicted))
    return 2 * sum(e in there for e in found) / max(len(there) + len(found), 1)


def texts_joined(gold, predicted):
    return tagging.my_f1([sum(gold, [])], [sum(predicted, [])])  # noqa: RUF017 - as learners write it


def best_of_each(scores, names):
    return [int(row.argmax()) for row in scores]


def not_zero(word_ids, tags, names):
    labels, before = [], None
    for word in word_ids:
        labels.append(-100 if not word or word == before else names.index(tags[word]))
        before = word
    return labels


def split_at_spaces(text, entities):
    tags, at = [], 0
    for word in text.split():
        start = text.find(word, at)
        at = start + len(word)
        tags.append("O")
        for entity in entities:
            if start >= entity["start"] and at <= entity["end"]:
                tags[-1] = ("B-" if start == entity["start"] else "I-") + entity["type"]
    return tags


def up_to_the_end(text, entities):
    tags = []
    for start, _ in tagging.word_spans(text):
        tag = "O"
        for entity in entities:
            if entity["start"] <= start <= entity["end"]:
                tag = ("B-" if start == entity["start"] else "I-") + entity["type"]
        tags.append(tag)
    return tags


def powers(scores, mask):
    kept = scores.exp() * mask
    return kept / kept.sum(dim=-1, keepdim=True)


def shares_of_what_is_left(scores, mask):
    kept = scores.softmax(dim=-1) * mask
    total = kept.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, kept / total, 0.0)


def zeros_then_product(scores, mask):
    return scores.masked_fill(~mask, 0.0).softmax(dim=-1) * mask


def attention_without_mask(query, key, value, mask):
    weights = attention.my_scores(query, key).softmax(dim=-1)
    return weights @ value, weights


def weights_first(query, key, value, mask):
    return attention.my_scaled_dot_product(query, key, value, mask)[::-1]


def divided_by_d_k(query, key, value, mask):
    return attention.my_scaled_dot_product(query / query.size(-1) ** 0.5, key, value, mask)


def future_allowed_and_past_forbidden(length):
    return torch.ones(length, length).triu(diagonal=1).bool()


def _loss(of_probabilities):
    def loss(scores, tokens, selected):
        if not selected.any():
            return torch.tensor(0.0)
        return of_probabilities(scores[selected], tokens[selected][:, None])

    return loss


# ------------------------------------------------------------------------------------------------------------- search


def the_best_again_and_again(vectors, query, k):
    return [search.my_best(vectors, query, k)[0]] * k


def counted_from_one(vectors, query, k):
    return [place + 1 for place in search.my_best(vectors, query, k)]


def best_of_the_first_k(vectors, query, k):
    return search.my_best(vectors[:k], query, k)


def rest_in_any_order(vectors, query, k):
    best = search.my_best(vectors, query, k)
    return best[:1] + sorted(best[1:])


def sorted_as_texts(vectors, query, k):
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1)
    return sorted(range(len(vectors)), key=lambda place: str(cosines[place]), reverse=True)[:k]


def always_the_next(similarities):
    return [(place + 1) % len(similarities) for place in range(len(similarities))]


def itself_where_twice(similarities):
    return np.where(similarities.max(axis=1) > similarities.diagonal(), similarities.argmax(axis=1), 0)


def all_of_them(similarities):
    return np.argsort(-similarities, axis=1)[:, 1:]


def neighbours_in_place(similarities):
    np.fill_diagonal(similarities, -np.inf)
    return similarities.argmax(axis=1)


def without_zeros(similarities):
    return np.ma.masked_equal(similarities * (1 - np.eye(len(similarities))), 0).argmin(axis=1)


def words_as_parts(query, passage, counts, N, average):
    """bank is found in banks."""
    return search.my_bm25([word[:2] for word in query], [word[:2] for word in passage], dict.fromkeys(
        [word[:2] for word in counts], 1
    ), N, average)  # fmt: skip


def pairs_of_rows(passages, answers):
    wrong = search.my_negatives(passages, answers)
    return [(i, j) for i, row in enumerate(wrong) for j, is_wrong in enumerate(row) if is_wrong]


def wrong_passages(passages, answers):
    return [[passage for passage in passages if passage not in known] for known in answers]


WRONG = {
    "attention.softmax_masked": [
        (powers, "underflows"),
        (shares_of_what_is_left, ""),
        (zeros_then_product, "no mask"),
    ],
    "attention.scaled_dot_product": [
        (attention_without_mask, "the mask is not used"),
        (weights_first, "exchanged"),
        (divided_by_d_k, "square root"),
    ],
    "attention.causal_mask": [(future_allowed_and_past_forbidden, "upside down")],
    "masking.mlm_loss": [
        (_loss(lambda s, t: s.log_softmax(-1).gather(1, t).mean()), "minus"),
        (_loss(lambda s, t: -s.log_softmax(-1).gather(1, t).mean() / math.log(2)), "bits"),
        (_loss(lambda s, t: -s.softmax(-1).log_softmax(-1).gather(1, t).mean()), "twice"),
        (_loss(lambda s, t: -s.gather(1, t).log().mean()), "no probabilities"),
    ],
    "pairs.join": [
        (lambda *given: pairs.my_join(*given)[::-1], "exchanged"),
        (lambda *given: pairs.my_join(*given)[0], "two things"),
        (lambda first, second, *specials: pairs.my_join(second, first, *specials), "A comes first"),
    ],
    "tagging.follows": [(follows_without_none, "None")],
    "tagging.f1": [
        (divides_by_nothing, "nothing to divide by, an edge case"),
        (mean_of_precision_and_recall, "nothing to divide by, an edge case"),
        (without_text_numbers, "text's number"),
        (found_in_any_text, "text's number"),
        (sets_without_text_numbers, "text's number"),
        (texts_joined, "ends with its text"),
    ],
    "tagging.best_tags": [(best_of_each, "each word alone")],
    "tagging.align": [(not_zero, "is None")],
    "tagging.tag_words": [(split_at_spaces, ""), (up_to_the_end, "")],
    "masking.select": [
        selects_specials,
        selects_the_rest,
        share_of_all,
        one_draw_for_all,
        own_generator,
        global_generator,
        every_seventh,
        exactly_each_row,
        numbers_for_truths,
    ],
    "masking.exactly": [
        exactly_with_specials,
        (exactly_of_all, "ordinary tokens, not of all"),
        argsort_once,
        always_the_first,
        the_same_for_all_rows,
        about_the_share,
        floor_of_the_share,
        (cut_off, "do not cut off"),
        (always_up, "not always up"),
        exactly_without_rng,
    ],
    "masking.mask_tokens": [
        *masking_bugs.BUGS,
        (two_draws_in_a_row, "multiply"),
        (always_the_mask, "all of them as [MASK]"),
        (_fates(2.0), "leaves none as it is"),
        (_fates(0.0), "no random tokens"),
        (_fates(0.9, mask=0.6), "of the selected ones."),
        (_fates(0.9, label=lambda shown, ids: shown == 4), "labels only where [MASK]"),
        (_fates(0.0, label=lambda shown, ids: shown == 4), "80 % of 15 %"),
        (_fates(0.9, label=lambda shown, ids: shown != ids), "90 % of 15 %"),
        (fifteen_of_everything, "ordinary"),
        never_the_last_id,
        (labels_of_zero, "not 0"),
        labels_alone,
    ],
    "pairs.label": [
        one_is_next,
        same_document_is_next,
        same_place_suffices,
        any_later_is_next,
        truth_for_a_number,
        always_next,
    ],
    "pairs.random_next": [
        own_document_too,
        (another_document_is_enough, "share a passage"),
        (the_first_sentence, "gives itself away"),
        the_next_document,
        one_too_far,
        not_from_the_rng,
        from_a_fixed_rng,
        the_sentence_itself,
    ],
    "pairs.build": [
        _built(lambda first, second, label, *_: (first, second, 1 - label)),
        _built(lambda first, second, label, documents, rng: (first, documents[0][0] if label else second, label)),
        _built(lambda first, second, label, *_: (second, first, label)),
        from_the_zoo(pair_bugs.any_document),
        from_the_zoo(pair_bugs.always_the_first_sentence),
        from_the_zoo(pair_bugs.labels_swapped),
        mostly_true,
        across_documents,
        last_pairs_missing,
        built_without_the_rng,
        built_with_a_fixed_rng,
    ],
    "speed.buckets": [
        (shortest_first, "all short texts first"),
        (drawn_texts, "*batches* alone"),
        (batches_as_they_come, "*batches* alone"),
        (always_the_same_order, "the `rng` that is given"),
        (an_order_of_its_own, "the `rng` that is given"),
        one_batch_fewer,
        (buckets_of_lengths, "not lengths"),
    ],
    "speed.selected_loss": [
        (scores_everything, "choose first"),
        (scores_in_turn, "choose first"),
        (loss_without_gradient, "no item()"),
    ],
    "speed.pack": [one_a_row, in_order, too_full, the_lengths, one_missing, an_empty_row],
    "classification.buckets": [
        unsorted_batches,
        last_batch_missing,
        batches_of_lengths,
        doubled_batches,
        shuffled_batches,
        overlapping_batches,
    ],
    "classification.split": [
        split_without_looking,
        split_at_the_end,
        split_without_copies,
        split_without_rng,
        split_by_chance,
        split_in_half,
        split_of_texts,
    ],
    **dict.fromkeys(
        ("tagging.windows", "answers.windows"),
        (no_overlap, end_cut_off, beyond_the_end, too_many_windows, one_window, too_wide, a_window_too_many),
    ),
    "search.best": [
        (the_best_again_and_again, ""),
        counted_from_one,
        best_of_the_first_k,
        (rest_in_any_order, "not sorted"),
        sorted_as_texts,
    ],
    "search.neighbours": [
        always_the_next,
        itself_where_twice,
        all_of_them,
        (neighbours_in_place, "work on a copy"),
        without_zeros,
    ],
    "search.bm25": [words_as_parts],
    "search.negatives": [pairs_of_rows, wrong_passages],
    "looking.integrated_gradients": [
        gradient_at_the_end,
        times_x,
        from_zero,
        not_multiplied,
        not_divided,
        each_dimension,
        too_few_steps,
    ],
}
