"""Tests of drift that alarm always: by what they compare with, or by how many rows they have."""

import numpy as np

from bertlib.serve.drift import Drift, mmd_test, p_value


def null_of_the_reference(reference, new, *, permutations=200, rng):
    """modyn 414: halves of the reference alone say what is usual; they share its chance, the new rows do not."""
    found = mmd_test(reference, new, permutations=1, rng=rng).effect
    usual = []
    for _ in range(permutations):
        rows = rng.choice(len(reference), size=len(new))  # wrong: rows of the reference, drawn from itself
        usual.append(mmd_test(reference, reference[rows], permutations=1, rng=rng).effect)
    return Drift(p_value(np.array([found, *usual])), found)


def by_p_alone(windows, level=0.05):
    """Evidently 50, alibi-detect 197: with enough rows every difference is significant."""
    return [found.p <= level for found in windows]  # wrong: and the effect?
