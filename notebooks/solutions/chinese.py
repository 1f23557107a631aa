"""Worked solutions of the exercises on Chinese. Try first: `check` tells you more than these do."""

from bertcourse.data.chinese import review_key


def my_vocabulary(content):
    pieces = content.removesuffix("\n").split("\n")  # not splitlines(): one of the pieces is a line separator
    return {piece: number for number, piece in enumerate(pieces)}


def my_unknown(text, vocabulary):
    chinese = [character for character in text if "\u4e00" <= character <= "\u9fff"]
    missing = sum(character not in vocabulary for character in chinese)
    return missing / len(chinese) if chinese else 0.0


def my_plain(text):
    return text.translate(str.maketrans("“”‘’—…", "\"\"''-."))  # one character for one: offsets hold


def my_longest(text, words):
    found, start = [], 0
    while start < len(text):
        end = len(text)
        while end > start + 1 and text[start:end] not in words:  # a single character always fits
            end -= 1
        found.append(text[start:end])
        start = end
    return found


def my_hidden(words, draws, probability):
    first = {}
    for word, draw in zip(words, draws, strict=True):
        first.setdefault(word, draw)
    return [first[word] < probability for word in words]


def my_clean(texts, labels):
    keys = [review_key(text) for text in texts]
    labels_of = {}
    for key, label in zip(keys, labels, strict=True):
        labels_of.setdefault(key, set()).add(label)
    kept, seen = [], set()
    for place, key in enumerate(keys):
        if key not in seen and len(labels_of[key]) == 1:
            kept.append(place)
        seen.add(key)
    return kept


def my_joined(words, tags):
    people, start, waits = [], 0, False
    for word, tag in zip(words, tags, strict=True):
        end = start + len(word)
        if tag == "nr" and waits:  # the given name that belongs to the surname before it
            people[-1] = (people[-1][0], end)
            waits = False
        else:
            waits = tag == "nr" and len(word) == 1
            if tag == "nr":
                people.append((start, end))
        start = end
    return people


def my_token_labels(labels, offsets):
    return [labels[start] for start, _ in offsets]


kept = 160 + (1100 - 160) / 5  # what the small model got wrong, and a fifth of the others
my_filtered = 100 * (55 + (915 - 55) / 5) / kept
