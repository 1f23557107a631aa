"""Tokenizers that treat accents, Chinese, unknown words or places otherwise than google-research/bert does."""

import unicodedata

from bertlib.text.wordpiece import Encoding, WordPiece, longest_match, normalize, split_words


class _Variant(WordPiece):
    """WordPiece with one step replaced."""

    def characters(self, text):
        return normalize(text, self.lowercase)

    def cut(self, word):
        return longest_match(word, self.vocab)

    def encode(self, text, *, add_special_tokens=True):
        tokens, offsets = [], []
        for word in split_words(self.characters(text)):
            start = 0
            for piece in self.cut("".join(character for character, _ in word)):
                length = len(word) - start if piece == "[UNK]" else len(piece.removeprefix("##"))
                tokens.append(piece)
                offsets.append((word[start][1], word[start + length - 1][1] + 1))
                start += length
        return Encoding([self.vocab[token] for token in tokens], tokens, offsets)


class KeepsAccents(_Variant):
    def characters(self, text):
        return [(part, index) for index, part in enumerate(text.lower())]  # wrong: accents stay


class ComposesAccents(_Variant):
    def characters(self, text):
        composed = unicodedata.normalize("NFC", text)  # wrong: é stays one letter; and the places slip
        return [(part, index) for index, part in enumerate(composed.lower()) if unicodedata.category(part) != "Mn"]


class GluesChinese(_Variant):
    def characters(self, text):
        return [(part, index) for part, index in super().characters(text) if part != " " or text[index] == " "]  # wrong


class PlacesInTheCleanedText(_Variant):
    def characters(self, text):
        return [(part, index) for index, (part, _) in enumerate(super().characters(text))]  # wrong


class ShortestMatch(_Variant):
    def cut(self, word):
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = [end for end in range(start + 1, len(word) + 1) if prefix + word[start:end] in self.vocab]
            if not ends:
                return ["[UNK]"]
            pieces.append(prefix + word[start : ends[0]])  # wrong: the longest is meant
            start = ends[0]
        return pieces


class HalfUnknown(_Variant):
    def cut(self, word):
        for end in range(len(word), 0, -1):
            pieces = super().cut(word[:end])
            if pieces != ["[UNK]"]:
                return pieces if end == len(word) else [*pieces, "[UNK]"]  # wrong: the whole word is unknown
        return ["[UNK]"]


BUGS = (KeepsAccents, ComposesAccents, GluesChinese, PlacesInTheCleanedText, ShortestMatch, HalfUnknown)
