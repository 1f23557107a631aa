"""WordPiece: text to sub-words and back, with the place of each in the text (google-research/bert, tokenization.py).

The code here is written to be read. For bulk work `WordPiece.to_tokenizers` gives the same tokenizer in compiled code;
tests hold the two equal, id by id and offset by offset, on tens of thousands of strings. They differ only where
`tokenizers` departs from Google's code (U+2B820 to U+2B91F, which it does not take for Chinese) and on 559 characters
that are newer than its tables.
"""

import heapq
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer

from bertlib.progress import progress_bar
from bertlib.text.tokenizer import (
    load_tokenizer as load_tokenizer,  # part of this module for those who read it from here
)
from bertlib.text.tokenizer import read_vocab

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_WORD_LENGTH = 100  # characters, as in transformers; longer "words" (addresses, base64) become one [UNK]

# The blocks of Chinese characters, each of which is a word of its own; Japanese kana and Korean are not among them.
CHINESE_BLOCKS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)

Character = tuple[str, int]  # a normalised character, and the index of the original one that it came from


@dataclass(frozen=True)
class Encoding:
    """A text in pieces; one that goes on with a word begins with ##.

    Attributes:
        offsets: (start, end) of each in characters of the original text; (0, 0) for [CLS] and [SEP] that were added.
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]


def normalize(text: str, lowercase: bool = True) -> list[Character]:
    """Clean a text character by character, and remember where each came from.

    Control characters go, all kinds of white space become a space, Chinese characters are set apart by spaces. With
    `lowercase`, accents are stripped too (what NFD splits off as a combining mark), as in the uncased vocabularies.
    Lower-casing looks at one character at a time, as `tokenizers` does; Python's on a whole text would write a Greek
    word's last sigma in another form.
    """
    characters = []
    for index, character in enumerate(text):
        if character in "\t\n\r":
            characters.append((" ", index))
            continue
        if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co"):
            continue  # controls, invisible formats, private use
        if character.isspace():
            characters.append((" ", index))
        elif any(first <= ord(character) <= last for first, last in CHINESE_BLOCKS):
            characters += [(" ", index), (character, index), (" ", index)]
        else:
            characters.append((character, index))
    if not lowercase:
        return characters
    return [
        (part, index)
        for character, index in decompose(characters)
        if unicodedata.category(character) != "Mn"
        for part in character.lower()
    ]


def decompose(characters: Sequence[Character]) -> list[Character]:
    """Letters and their marks apart, marks in canonical order (Unicode's NFD); places as in `tokenizers`.

    A letter's marks share its place. Where marks in a row change their order, their places do not.
    """
    parts, group = [], 0
    for character, _ in characters:
        for number, part in enumerate(unicodedata.normalize("NFD", character)):
            group += unicodedata.combining(part) == 0  # a letter opens a group, its marks are sorted within it
            parts.append(((group, unicodedata.combining(part)), part, number == 0))
    parts.sort(key=lambda item: item[0])
    places, index, result = iter(characters), 0, []
    for _, part, opens in parts:
        if opens:
            _, index = next(places)
        result.append((part, index))
    return result


def is_punctuation(character: str) -> bool:
    """Unicode's punctuation, and every ASCII character that is no letter, digit or space ("$", "^" … included)."""
    return (character.isascii() and character.isprintable() and not (character.isalnum() or character == " ")) or (
        unicodedata.category(character)[0] == "P"
    )


def split_words(characters: Iterable[Character]) -> list[list[Character]]:
    """Words: runs between spaces, each punctuation mark a word of its own."""
    words, word = [], []
    for character, index in characters:
        alone = is_punctuation(character)
        if (alone or character.isspace()) and word:
            words.append(word)
            word = []
        if alone:
            words.append([(character, index)])
        elif not character.isspace():
            word.append((character, index))
    return [*words, word] if word else words


def word_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each word of a text as BERT cuts it, in characters; accents stay with their letters."""
    words = split_words(normalize(text, lowercase=False))
    return [(word[0][1], word[-1][1] + 1) for word in words]


def longest_match(word: str, vocab: Mapping[str, int]) -> list[str]:
    """Cut a word into pieces from the left, each as long as there is one (google-research/bert, tokenization.py).

    All but the first begin with ##. A word that is too long, or in which no piece fits at some place, is [UNK] alone.
    """
    if len(word) > MAX_WORD_LENGTH:
        return [UNK]
    pieces, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        for end in range(len(word), start, -1):
            if prefix + word[start:end] in vocab:
                pieces.append(prefix + word[start:end])
                start = end
                break
        else:
            return [UNK]
    return pieces


def count_words(texts: Iterable[str], lowercase: bool = True) -> Counter[str]:
    counts = Counter()
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"texts holds {text!r}, a {type(text).__name__}: give strings")
        for word in split_words(normalize(text, lowercase)):
            counts["".join(character for character, _ in word)] += 1
    return counts


def join_pieces(left: str, right: str) -> str:
    """The piece that two neighbours make: "##pl" and "##ay" give "##play"."""
    return left + right.removeprefix("##")


def merge(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """Join every occurrence of the pair, from the left."""
    merged, index = [], 0
    while index < len(pieces):
        if tuple(pieces[index : index + 2]) == pair:
            merged.append(join_pieces(*pair))
            index += 2
        else:
            merged.append(pieces[index])
            index += 1
    return merged


def learn_pieces(
    word_counts: Mapping[str, int], size: int, *, min_count: int = 2, show_progress: bool = False
) -> list[str]:
    """Learn pieces: begin with single characters, and again and again join the pair of neighbours that is commonest.

    This is byte-pair encoding (Sennrich et al., 2016, §3.2) with WordPiece's marks, which is what `tokenizers`' trainer
    does too. BERT was published without the trainer of its vocabulary (TensorFlow Text's, also Google's, begins with
    whole words and breaks them down). Schuster and Nakajima (2012) choose the pair that raises the likelihood of the
    text most.

    Args:
        word_counts: words and how often each occurs. Those of more than MAX_WORD_LENGTH characters are left out: they
            become [UNK] whatever the vocabulary holds.
        size: how many pieces to learn, the single characters included.
        min_count: a pair that is rarer is not joined, so there may be fewer pieces than asked for.

    Returns:
        The pieces: the characters in code-point order (those that begin words first), then the joined ones in the order
        in which they were learned. Ties are broken by the alphabet, so that the result is always the same.

    Raises:
        ValueError: there are no words, or size is smaller than the number of single characters.
    """
    word_counts = {word: count for word, count in word_counts.items() if len(word) <= MAX_WORD_LENGTH}
    if not word_counts:
        raise ValueError(
            f"the texts hold no words: give some text to learn from, with words of at most {MAX_WORD_LENGTH} characters"
        )
    words = [[word[0], *(f"##{character}" for character in word[1:])] for word in word_counts]
    counts = list(word_counts.values())
    alphabet = {piece for word in words for piece in word}
    learned = dict.fromkeys(sorted(alphabet, key=lambda piece: (piece.startswith("##") and len(piece) > 2, piece)))
    if size < len(learned):
        raise ValueError(
            f"vocab_size is too small: the texts have {len(learned)} single characters (as first and as later letter "
            f"of a word), and there is room for {size}; give at least {len(learned) - size} more"
        )

    pair_counts, places = Counter(), defaultdict(set)  # how often a pair occurs, and in which words
    for number, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += counts[number]
            places[pair].add(number)
    heap = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(heap)
    with progress_bar(what="learning pieces", unit="pieces", total=size, show=show_progress) as bar:
        bar.update(len(learned))
        while heap and len(learned) < size:
            count, best = heapq.heappop(heap)
            if -count != pair_counts[best]:  # it has become rarer since: put it back where it belongs now
                if pair_counts[best] > 0:
                    heapq.heappush(heap, (-pair_counts[best], best))
                continue
            if -count < min_count:
                break
            if join_pieces(*best) not in learned:
                learned[join_pieces(*best)] = None
                bar.update()
            grown = set()
            for number in places.pop(best):
                before, after = words[number], merge(words[number], best)
                words[number] = after
                for pair in pairwise(before):
                    pair_counts[pair] -= counts[number]
                for pair in pairwise(after):
                    pair_counts[pair] += counts[number]
                    places[pair].add(number)
                    grown.add(pair)
            pair_counts.pop(best, None)
            for pair in grown - {best}:
                heapq.heappush(heap, (-pair_counts[pair], pair))
    return list(learned)


class WordPiece:
    """A WordPiece tokenizer of BERT's kind: piece -> id, and whether text is lower-cased and loses its accents.

    Raises:
        ValueError: a special token is missing, or the ids are not among 0, 1, 2, …, each once.
    """

    def __init__(self, vocab: Mapping[str, int], lowercase: bool = True):
        absent = [token for token in SPECIAL_TOKENS if token not in vocab]
        if absent:
            raise ValueError(f"the vocabulary lacks {', '.join(absent)}: add a line for each")
        if len(set(vocab.values())) < len(vocab) or min(vocab.values()) < 0:
            raise ValueError("the ids of the vocabulary must be among 0, 1, 2, …, each once")
        self.vocab, self.lowercase = dict(vocab), lowercase
        self._pieces = {number: piece for piece, number in vocab.items()}
        self._specials = re.compile("(" + "|".join(map(re.escape, SPECIAL_TOKENS)) + ")")

    def __len__(self) -> int:
        """The rows that a token table needs: the highest id and one. A file that holds a piece twice leaves a gap."""
        return max(self._pieces) + 1

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        lowercase: bool = True,
        min_count: int = 2,
        show_progress: bool = False,
    ) -> Self:
        """Learn a vocabulary from texts; see `learn_pieces`.

        Args:
            vocab_size: entries to aim at, the five special tokens included; fewer come if the texts don't give more.
            lowercase: see `normalize`.

        Raises:
            ValueError: there are no words, or vocab_size does not even hold the single characters. TypeError: texts is
                a single string, or one of them is none.
        """
        if isinstance(texts, str):
            raise TypeError(f"texts={texts!r:.40} is one string: give a list of strings")
        pieces = learn_pieces(
            count_words(texts, lowercase),
            vocab_size - len(SPECIAL_TOKENS),
            min_count=min_count,
            show_progress=show_progress,
        )
        ordered = [*SPECIAL_TOKENS, *(piece for piece in pieces if piece not in SPECIAL_TOKENS)]
        return cls({piece: number for number, piece in enumerate(ordered)}, lowercase)

    @classmethod
    def from_vocab(cls, path: str | Path, *, lowercase: bool = True) -> Self:
        """Read a vocab.txt; see `read_vocab` for odd pieces.

        Whether text is lower-cased is said here; `load_tokenizer` takes that from the files beside the vocabulary.

        Raises:
            FileNotFoundError: no such file. ValueError: it is not UTF-8, or a special token is missing.
        """
        vocab = read_vocab(path)
        try:
            return cls(vocab, lowercase)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, folder: str | Path) -> Path:
        """Write vocab.txt into a folder, which is made; gives its path. Nothing half-written is left.

        A cased vocabulary comes with a tokenizer_config.json that says so; one that stands there is replaced.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = {"vocab.txt": "".join(f"{self._pieces.get(number, '')}\n" for number in range(len(self)))}
        if not self.lowercase or (folder / "tokenizer_config.json").exists():
            settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": self.lowercase}
            files["tokenizer_config.json"] = json.dumps(settings, indent=2) + "\n"
        for name, text in files.items():
            beside = folder / f".{name}.part"
            beside.write_bytes(text.encode())
            beside.replace(folder / name)
        return folder / "vocab.txt"

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Encoding:
        """Cut a text into pieces. A special token that is written out in it, such as [MASK], is taken as that token.

        Raises:
            TypeError: text is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"text={text!r} is a {type(text).__name__}: give a string")
        tokens, offsets, base = [], [], 0
        for part in self._specials.split(text):
            if part in SPECIAL_TOKENS:
                tokens.append(part)
                offsets.append((base, base + len(part)))
            else:
                for word in split_words(normalize(part, self.lowercase)):
                    pieces = longest_match("".join(character for character, _ in word), self.vocab)
                    start = 0
                    for piece in pieces:
                        length = len(word) if piece == UNK else len(piece.removeprefix("##") if start else piece)
                        offsets.append((base + word[start][1], base + word[start + length - 1][1] + 1))
                        start += length
                    tokens += pieces
            base += len(part)
        if add_special_tokens:
            tokens, offsets = [CLS, *tokens, SEP], [(0, 0), *offsets, (0, 0)]
        return Encoding([self.vocab[token] for token in tokens], tokens, offsets)

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """Put pieces together to a text: case, accents and odd spacing are lost for good.

        Raises:
            ValueError: an id is outside the vocabulary.
        """
        text = ""
        for number in ids:
            if number not in self._pieces:
                raise ValueError(f"id {number} is outside the vocabulary of {len(self)}: decode with its own")
            piece = self._pieces[number]
            if skip_special_tokens and piece in SPECIAL_TOKENS:
                continue
            if text and piece.startswith("##"):
                text += piece[2:]
            elif text and piece[:1] not in (".", "?", "!", ","):  # these close up to what stands before them
                text += " " + piece
            else:
                text += piece
        return text

    def to_tokenizers(self) -> Tokenizer:
        """The same tokenizer in compiled code, for bulk work; its to_str() is a tokenizer.json."""
        fast = BertWordPieceTokenizer(self.vocab, lowercase=self.lowercase, strip_accents=self.lowercase)
        return Tokenizer.from_str(fast.to_str())
