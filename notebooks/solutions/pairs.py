"""Worked solutions of the exercises on sentence pairs. Try first: `check` tells you more than these do."""


def my_join(first, second, cls_token_id, sep_token_id):
    front, back = [cls_token_id, *first, sep_token_id], [*second, sep_token_id]
    return front + back, [0] * len(front) + [1] * len(back)


def my_truncate(first, second, budget):
    first, second = list(first), list(second)
    while len(first) + len(second) > budget:
        if len(first) > len(second):
            del first[0]  # at the front: what meets B stays
        else:
            del second[-1]
    return first, second


def my_label(first, second):
    return 0 if second == (first[0], first[1] + 1) else 1


def my_random_next(documents, document, sentence, rng):
    true_next = documents[document][sentence + 1]
    while True:
        other = int(rng.integers(len(documents)))
        if other == document:
            continue
        place = int(rng.integers(1, len(documents[other])))  # not an opening: no true B is one
        if documents[other][place] != true_next:  # documents may share a passage
            return other, place


def my_build(documents, rng):
    pairs = []
    for number, document in enumerate(documents):
        for place in range(len(document) - 1):
            if rng.random() < 0.5:
                pairs.append((document[place], document[place + 1], 0))
            else:
                other, sentence = my_random_next(documents, number, place, rng)
                pairs.append((document[place], documents[other][sentence], 1))
    return pairs


def my_window_end(lengths, start, budget):
    end = start + 2  # two sentences in any case: one alone cannot be cut
    while end < len(lengths) and sum(lengths[start : end + 1]) <= budget:
        end += 1
    return end


def my_windows(documents, budget, rng):
    pairs = []
    for number, document in enumerate(documents):
        lengths, start = [len(sentence) for sentence in document], 0
        while start < len(document) - 1:
            end = my_window_end(lengths, start, budget)
            split = int(rng.integers(start + 1, end))
            first = [token for sentence in document[start:split] for token in sentence]
            if rng.random() < 0.5:
                pairs.append((first, [token for sentence in document[split:end] for token in sentence], 0))
                start = end
            else:
                other, place = my_random_next(documents, number, split - 1, rng)
                false = list(documents[other][place])
                for sentence in documents[other][place + 1 :]:
                    if len(first) + len(false) + len(sentence) > budget:
                        break
                    false += sentence
                pairs.append((first, false, 1))
                start = split
    return pairs


my_own_document = 100 / 10
my_cheat = 50 + 22 / 2  # all of the true ones, and 22 % of the false ones
my_padding = 100 * (1 - (20 + 36 + 43 + 82) / (4 * 82))
my_faulty_line = 8  # the sentence before the true next one is the last of A: split - 1
