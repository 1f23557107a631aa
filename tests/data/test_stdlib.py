"""Functions of Python's library: cut out of made source, and those of the Python that runs."""

from bertcourse.data.stdlib import Function, functions_of, library_functions, without_names

SOURCE = '''
def count(words, least=1):
    """Count the words that occur often enough.

    More is said here.
    """
    found = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


class Tally:
    def add(self, word):
        """Add a word to
        this tally of words."""
        if word:
            self.count(word)
        return self


def short():
    """Too short a body to be of use."""
    return 1


def silent(a):
    b = a
    c = b
    return c


def terse(a):
    """Says little."""
    b = a
    c = b
    return c
'''


def test_docstrings_are_taken_out():
    count, add = functions_of(SOURCE, "made")
    assert (count.module, count.name, count.says) == ("made", "count", "Count the words that occur often enough.")
    assert count.text.splitlines() == [
        "def count(words, least=1):",
        "    found = {}",
        "    for word in words:",
        "        found[word] = found.get(word, 0) + 1",
        "    return found",
    ]
    assert (add.name, add.says) == ("add", "Add a word to this tally of words.")
    assert '"""' not in add.text and add.text.startswith("    def add(self, word):")


def test_its_own_name_is_replaced_as_a_word():
    text = "def count(counts):\n    return count(counts.count)"
    assert without_names(Function("m", "count", "", text)) == "def f(counts):\n    return f(counts.f)"


def test_the_running_library_gives_hundreds():
    """How many differs from version to version: 3.11 to 3.14 are meant."""
    found = library_functions()
    assert 500 < len(found) < 2500
    assert len({function.says.lower() for function in found}) == len(found)
    assert {"textwrap", "shutil", "statistics"} <= {function.module for function in found}
    assert all(function.says not in function.text for function in found)
