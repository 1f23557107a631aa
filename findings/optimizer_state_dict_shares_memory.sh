#!/usr/bin/env bash
# torch 2.13.0: a full, CPU-offloaded optimizer state of a model on the CPU is no copy.
#
# get_optimizer_state_dict(model, optimizer, options=StateDictOptions(full_state_dict=True, cpu_offload=True)) reads as
# if it gave a snapshot. Of a model on a GPU it does; of one on the CPU, in one process, the tensors are the optimizer's
# own, so the "snapshot" goes on changing with every step (the step counter too), and two optimizers that are restored
# from it share their moments. Clone before you go on.
# Seen: "same memory: True; step counter of the snapshot after two more steps: 3".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

model = torch.nn.Linear(3, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)


def step():
    optimizer.zero_grad()
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()


step()
options = StateDictOptions(full_state_dict=True, cpu_offload=True)
snapshot = get_optimizer_state_dict(model, optimizer, options=options)["state"]["weight"]
own = optimizer.state[model.weight]
same = snapshot["exp_avg"].data_ptr() == own["exp_avg"].data_ptr()
step()
step()
line = f"same memory: {same}; step counter of the snapshot after two more steps: {int(snapshot['step'])}"
print(torch.__version__.split("+")[0], line)
assert line == "same memory: True; step counter of the snapshot after two more steps: 3", "this has changed"
PYTHON
