#!/usr/bin/env bash
# transformers 5.23.0: beam search fills what follows a finished text with the end token where pad_token_id is 0.
#
# Texts of one batch end at different places; what follows the end of the shorter ones is padding. Greedy generate()
# puts pad_token_id there. Beam search does so too, unless pad_token_id is 0, as it is in BERT and T5: then each shorter
# text ends with a row of end tokens. (The fill is chosen as "pad or end", and a tensor that holds 0 counts as "none".)
# Decoding with skip_special_tokens hides it. A length counted as "ids that are not padding", a mask made of the output,
# or labels made of it (distillation from a teacher's beams) come out wrong: the end is then learned after the end.
# The same model with the ids moved by one, so that padding has id 1, is padded as asked for.
# Seen: "behind the first end: greedy [0], 4 beams [2], padding as id 1 [1]", then
# "greedy: mean length by ids that are not padding 9.7, by the first end 9.7", "4 beams: … 20.0, by the first end 13.8".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
cd "$work"
HF_HUB_OFFLINE=1 "$work/venv/bin/python" - <<'PYTHON'
import torch
import transformers
from transformers import BertConfig, EncoderDecoderConfig, EncoderDecoderModel

transformers.logging.set_verbosity_error()
END = 2


def written(pad, start, beams):
    """Ids by a tiny BERT2BERT of random weights, for 40 sources; pad and start are the ids 0 and 1, or 1 and 0."""
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
    sizes |= dict(max_position_embeddings=40, pad_token_id=pad)
    sides = BertConfig(vocab_size=60, **sizes), BertConfig(vocab_size=50, **sizes)
    model = EncoderDecoderModel(EncoderDecoderConfig.from_encoder_decoder_configs(*sides)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.15 * torch.randn_like(weight))
        model.decoder.cls.predictions.bias[:2] = -50.0  # neither padding nor the start is ever the likeliest
        model.decoder.cls.predictions.bias[END] += 1.5
    sources = torch.randint(3, 60, (40, 12))
    special = dict(pad_token_id=pad, decoder_start_token_id=start, eos_token_id=END)
    return model.generate(sources, max_new_tokens=20, do_sample=False, num_beams=beams, **special)[:, 1:].tolist()


def behind(rows):
    """Which ids stand behind the first end of a row."""
    return sorted({number for row in rows if END in row for number in row[row.index(END) + 1 :]})


greedy, beams, other = written(0, 1, 1), written(0, 1, 4), written(1, 0, 4)
print(transformers.__version__, torch.__version__)
print(f"behind the first end: greedy {behind(greedy)}, 4 beams {behind(beams)}, padding as id 1 {behind(other)}")
for name, rows in (("greedy", greedy), ("4 beams", beams)):
    counted = sum(number != 0 for row in rows for number in row) / len(rows)
    ends = sum(row.index(END) + 1 if END in row else len(row) for row in rows) / len(rows)
    print(f"{name}: mean length by ids that are not padding {counted:.1f}, by the first end {ends:.1f}")
assert behind(greedy) == [0] and behind(beams) == [END] and behind(other) == [1], "this has changed"
PYTHON
