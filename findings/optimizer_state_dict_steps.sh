#!/usr/bin/env bash
# torch 2.13.0: asking for an optimizer's state takes a step of the optimizer.
#
# torch.distributed.checkpoint.state_dict.get_optimizer_state_dict on an optimizer that has not stepped yet calls its
# step() once, with gradients of zero and a learning rate of 0, to have something to give. Weights stay, but every hook
# on step fires: what counts updates in a hook is one ahead from then on. An optimizer that has stepped is left alone.
# Seen: "fresh: 1 step, step counter 1; after a real step: 0 steps".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

model = torch.nn.Linear(3, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
seen = []
optimizer.register_step_post_hook(lambda *arguments: seen.append(1))
before = [parameter.detach().clone() for parameter in model.parameters()]
state = get_optimizer_state_dict(model, optimizer)["state"]
fresh, counter = len(seen), int(state["weight"]["step"])
assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
model(torch.ones(2, 3)).sum().backward()
optimizer.step()
seen.clear()
get_optimizer_state_dict(model, optimizer)
line = f"fresh: {fresh} step, step counter {counter}; after a real step: {len(seen)} steps"
print(torch.__version__.split("+")[0], line)
assert line == "fresh: 1 step, step counter 1; after a real step: 0 steps", "this has changed"
PYTHON
