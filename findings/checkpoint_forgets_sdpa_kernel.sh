#!/usr/bin/env bash
# torch 2.13.0: activation checkpointing remembers autocast, and forgets sdpa_kernel.
#
# torch.utils.checkpoint runs the forward pass again inside backward(). It takes along the autocast state of the first
# time by itself, but not the choice that torch.nn.attention.sdpa_kernel made. Where the usual loop is followed (the
# with-block around the forward pass, backward() after it) the second run takes another attention kernel, which keeps
# another number of tensors, and backward() raises CheckpointError; the message speaks of tensors, not of kernels. With
# one kernel in both places, or with a context_fn that makes the choice again, it works.
# Seen: "autocast: again bfloat16; sdpa_kernel: CheckpointError; with context_fn: same gradient".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
from contextlib import nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention as attend
from torch.utils.checkpoint import CheckpointError, checkpoint

torch.manual_seed(0)
heads = torch.randn(2, 4, 8, 16)


def gradient(choice, **more):
    """Of attention over itself: forward pass within the choice of a kernel, backward pass after it."""
    leaf = heads.clone().requires_grad_()
    with choice():
        out = checkpoint(lambda x: attend(x, x, x), leaf * 1.0, use_reentrant=False, **more)
    out.square().sum().backward()
    return leaf.grad


def only_math():
    return sdpa_kernel([SDPBackend.MATH])


products = []
matrix = torch.randn(4, 4, requires_grad=True)
with torch.autocast("cpu", torch.bfloat16):
    made = checkpoint(lambda x: products.append((x @ x).dtype) or (x @ x), matrix * 1.0, use_reentrant=False)
made.float().sum().backward()
usual = gradient(nullcontext)
try:
    gradient(only_math)
    forgotten = "nothing raised"
except CheckpointError:
    forgotten = "CheckpointError"
again = gradient(only_math, context_fn=lambda: (nullcontext(), only_math()))
same = "same gradient" if torch.allclose(again, usual, atol=1e-5) else "another gradient"
line = f"autocast: again {str(products[-1]).split('.')[-1]}; sdpa_kernel: {forgotten}; with context_fn: {same}"
print(torch.__version__.split("+")[0], line)
assert len(products) == 2
assert line == "autocast: again bfloat16; sdpa_kernel: CheckpointError; with context_fn: same gradient", "this has changed"
PYTHON
