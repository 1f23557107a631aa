#!/usr/bin/env bash
# peft 0.21.2: PeftModelForQuestionAnswering with LoRA takes token_type_ids and position_ids, and the model never sees them.
#
# Its forward names both as parameters and hands neither on when no prompt is learned, so the call is accepted and a BERT
# reads question and context as one segment: trained so, evaluated so, and no warning. The same adapter without the
# task type (a plain PeftModel) hands them on, and so does PeftModelForTokenClassification with token_type_ids. A folder
# trained through the one and used through the other (or merged) answers with other logits. Call model.base_model, or leave
# task_type out and name the head in modules_to_save.
# Seen: "segments change the logits: plain True, question answering False; positions: plain True, question answering False".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    peft==0.21.2 transformers==5.23.0 torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForQuestionAnswering

torch.manual_seed(0)
config = BertConfig(vocab_size=50, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48)
ids = torch.randint(1, 50, (2, 9))
segments = (torch.arange(9) > 3).long().expand(2, 9)
backwards = torch.arange(8, -1, -1).expand(2, 9)


def moves(task_type):
    """Whether segments, and positions, change what a model with adapters gives."""
    lora = LoraConfig(r=2, target_modules=["query", "value"], modules_to_save=["qa_outputs"], task_type=task_type)
    model = get_peft_model(BertForQuestionAnswering(config), lora).eval()
    with torch.no_grad():
        plain = model(input_ids=ids).start_logits
        return [
            not torch.equal(plain, model(input_ids=ids, **{name: value}).start_logits)
            for name, value in (("token_type_ids", segments), ("position_ids", backwards))
        ]


(plain_segments, plain_positions), (segments_here, positions_here) = moves(None), moves("QUESTION_ANS")
line = (
    f"segments change the logits: plain {plain_segments}, question answering {segments_here}; "
    f"positions: plain {plain_positions}, question answering {positions_here}"
)
print(version("peft"), line)
expected = "segments change the logits: plain True, question answering False; "
assert line == expected + "positions: plain True, question answering False", "this has changed"
PYTHON
