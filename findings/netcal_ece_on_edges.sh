#!/usr/bin/env bash
# netcal 1.4.0: an ECE of 0 for ten answers that are all wrong, where a float32 confidence lies on a bin's edge.
#
# netcal counts the rows of a bin with numpy's histogramdd and takes their means from scipy's binned_statistic_dd. The two
# compare a float32 with the edges in other precisions, so a row may be counted in one bin while its mean stands in the
# next. Both bins then weigh nothing, and what is in them drops out of the sum without a warning. Confidences of one or
# two decimals do this: votes of ten trees, answers that a model gives in words, anything rounded for a file. In float64
# the sum is right, but a number on an edge is in the bin above or below by how its edge was rounded. Round nothing, give
# float64, or count edges yourself.
# Seen: "ten wrong answers at float32 0.6: 0.6, 0.7: 0.0, 0.8: 0.8, 0.9: 0.0; at float64 0.7: 0.7".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    netcal==1.4.0 torch==2.13.0 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from netcal.metrics import ECE


def ten_wrong(confidence, kind):
    """ECE of ten answers with this confidence in class 1 while all of them are of class 0: the confidence itself."""
    table = np.full((10, 2), [1 - confidence, confidence], dtype=kind)
    return round(float(ECE(10).measure(table, np.zeros(10, dtype=int))), 3)


singles = ", ".join(f"{value}: {ten_wrong(value, np.float32)}" for value in (0.6, 0.7, 0.8, 0.9))
line = f"ten wrong answers at float32 {singles}; at float64 0.7: {ten_wrong(0.7, np.float64)}"
print(version("netcal"), line)
expected = "0.6: 0.6, 0.7: 0.0, 0.8: 0.8, 0.9: 0.0"
assert line == f"ten wrong answers at float32 {expected}; at float64 0.7: 0.7", "this has changed"
PYTHON
