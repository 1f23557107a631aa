"""Pretraining losses that count what they must not, or skip what they must count."""

from dataclasses import replace

from torch.nn import functional as F

from bertlib import BertForPreTraining


def padding_counts(logits, labels):
    """d2l-ai/d2l-en#2582: the mean is taken first, so the weights change nothing."""
    weights = (labels != -100).float()
    loss = F.cross_entropy(logits.flatten(0, 1), labels.clamp(min=0).flatten())  # wrong: reduced too early
    return (loss * weights).sum() / weights.sum()


def divides_by_all_tokens(logits, labels):
    """The article's 1/N: unselected positions enlarge the divisor."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / labels.numel()


def nan_when_nothing_is_selected(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())  # 0/0


def nsp_ignores_class_zero(logits, labels):
    """codertimo/BERT-pytorch#49 and #32: one class is taken for padding (there 0 is NotNext)."""
    return F.cross_entropy(logits, labels, ignore_index=0)


class NSPReadsAllTokens(BertForPreTraining):
    """MorvanZhou/NLP-Tutorials#14."""

    def forward(self, *inputs):
        output = super().forward(*inputs)
        states = self.bert(*inputs).last_hidden_state
        return replace(output, seq_relationship_logits=self.nsp(states.mean(1)))  # wrong: every token, padding too
