#!/usr/bin/env bash
# numpy 2.4.6: quantile(x, k / n, method="higher") is not the k-th smallest of n values, but the one above it.
#
# Split conformal prediction wants the k-th smallest of n calibration scores, k = ceil((n + 1)(1 - alpha)). A form of it
# that is often copied asks np.quantile for the level k / n with method="higher", to round up to a value that is there.
# But numpy's place for "higher" is ceil(level * (n - 1)), counted from 0: with k / n that is place k for every k below
# n, where the k-th smallest stands at k - 1. So thresholds are one score too high, prediction sets too large, and the
# coverage above what was promised; with few calibration scores by a lot. method="inverted_cdf" gives the k-th smallest,
# except where a rounding error lifts (k / n) * n above k. pandas' interpolation="higher" does as numpy does.
# Seen (numpy 2.4.6, pandas 3.1.1): "higher is one up: 1302 of 1302; inverted_cdf is right: 1280 of 1302; pandas as
# numpy: True", and at n = 19, alpha = 0.1 a coverage of 0.898 by the k-th smallest, 0.948 by "higher".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==3.1.1
"$work/venv/bin/python" - <<'PYTHON'
import math

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
asked = up = right = 0
alike = True
for n in (9, 19, 50, 99, 100, 199, 500, 999):
    scores = rng.permutation(n).astype(float)  # the k-th smallest is k - 1
    for k in range(1, n) if n < 999 else range(1, n, 3):
        higher = np.quantile(scores, k / n, method="higher")
        asked, up = asked + 1, up + (higher == k)
        right += np.quantile(scores, k / n, method="inverted_cdf") == k - 1
        alike &= pd.Series(scores).quantile(k / n, interpolation="higher") == higher
covered = {"k-th": 0, "higher": 0}
n, alpha, draws = 19, 0.1, 40_000
k = math.ceil(round((n + 1) * (1 - alpha), 9))
drawn = rng.random((draws, n + 1))
for name, limit in (
    ("k-th", np.sort(drawn[:, :n], axis=1)[:, k - 1]),
    ("higher", np.quantile(drawn[:, :n], k / n, axis=1, method="higher")),
):
    covered[name] = (drawn[:, n] <= limit).mean()
line = f"higher is one up: {up} of {asked}; inverted_cdf is right: {right} of {asked}; pandas as numpy: {bool(alike)}"
print(np.__version__, pd.__version__, line)
print(f"coverage at n = {n}, alpha = {alpha}: {covered['k-th']:.3f} by the k-th, {covered['higher']:.3f} by higher")
assert up == asked and right >= 0.98 * asked and alike, "this has changed"
assert abs(covered["k-th"] - 0.9) < 0.01 < covered["higher"] - 0.93
PYTHON
