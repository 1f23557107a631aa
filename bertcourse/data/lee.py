"""Fifty news texts, and how alike people found each two (Lee, Pincombe and Welsh, 2005), from gensim's wheel."""

import numpy as np

from bertcourse.data.archives import read_member

FOLDER = "gensim/test/test_data"


def read_lee() -> tuple[list[str], np.ndarray]:
    """The texts, in the archive's order, and the similarities of each two, as published: float64 (50, 50).

    A similarity is the mean of some ten people's marks from 1 to 5, divided by 5: from 0.2, unrelated, to 1. Each pair
    stands once, above the diagonal; the diagonal is 1, what is below it 0.

    Raises what `archives.read_member` raises.
    """
    texts = read_member("gensim", f"{FOLDER}/lee.cor").decode("latin-1").splitlines()
    lines = read_member("gensim", f"{FOLDER}/similarities0-1.txt").decode("ascii").splitlines()
    return texts, np.array([[float(value) for value in line.split("\t")] for line in lines])
