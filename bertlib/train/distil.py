"""Distillation: a student learns what a teacher thinks of a text, beside what its label says (Hinton et al., 2015)."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.text.batching import Batch
from bertlib.train.loop import HeadLoss


class DistilLoss(HeadLoss):
    """α · T² · KL(teacher ‖ student), both softened by T, and (1 − α) · cross-entropy where there is a label (§2).

    A softened gradient shrinks as 1 / T²; the factor T² keeps what both terms weigh for every T (§2.1). The teacher
    never trains: it is in evaluation mode, and each row's logits are computed once and kept.

    Args:
        teacher: gives logits (B, C), one row for each input; its classes are the student's.
        temperature: T; 1 leaves probabilities as they are, more tells more of the classes that are not the first.
        alpha: α, the share of the teacher; 0 learns from labels alone, 1 from the teacher alone.

    Raises:
        ValueError: an argument is out of its range, or the logits do not fit together; the message names it.
    """

    def __init__(self, teacher: nn.Module, *, temperature: float = 2.0, alpha: float = 0.5):
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature={temperature!r}: give a number above 0, such as 2")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha={alpha!r}: give the teacher's share, from 0 to 1")
        self.teacher, self.temperature, self.alpha = teacher, temperature, alpha
        self._made: dict[bytes, Tensor] = {}  # a row's tokens and segments -> (C,)

    @torch.inference_mode(False)  # tensors made in that mode could not stand in a loss later
    @torch.no_grad()
    def wanted(self, batch: Batch) -> Tensor:
        """The teacher's logits of a batch, float32 (B, C)."""
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        rows = [tensor.cpu().numpy() for _, tensor in sorted(inputs.items()) if tensor.dim() == 2]
        ends = batch["attention_mask"].sum(dim=-1).tolist() if "attention_mask" in batch else [None] * len(rows[0])
        keys = [b"|".join(row[number, :end].tobytes() for row in rows) for number, end in enumerate(ends)]
        if not all(key in self._made for key in keys):
            self.teacher.eval()
            logits = self.teacher(**inputs).logits.float()
            if logits.dim() != 2:
                raise ValueError(
                    f"the teacher's logits have shape {tuple(logits.shape)}: give a teacher of whole texts"
                )
            self._made.update(zip(keys, logits, strict=True))
        return torch.stack([self._made[key] for key in keys])

    def sums(self, model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """ "soft" and "hard", each with its weight; labels of -100 are none."""
        logits = model(**{name: tensor for name, tensor in batch.items() if name != "labels"}).logits.float()
        sums = {}
        if self.alpha > 0:
            wanted, t = self.wanted(batch), self.temperature
            if wanted.shape != logits.shape:
                raise ValueError(
                    f"the teacher has {wanted.size(1)} classes, the student {logits.size(1)}: give equal ones"
                )
            softened = (logits / t).log_softmax(dim=-1), (wanted / t).log_softmax(dim=-1)
            sums["soft"] = self.alpha * t**2 * F.kl_div(*softened, reduction="sum", log_target=True)
        if self.alpha < 1:
            labels = batch.get("labels", torch.full_like(logits[:, 0], -100, dtype=torch.long))
            sums["hard"] = (1 - self.alpha) * F.cross_entropy(logits, labels, reduction="sum")
        return sums

    def counts(self, model: nn.Module, batch: Batch) -> Mapping[str, int]:
        """Over how many texts either runs: all, and those with a label."""
        labelled = int((batch["labels"] != -100).sum()) if "labels" in batch else 0
        return ({"soft": len(batch["input_ids"])} if self.alpha > 0 else {}) | (
            {"hard": labelled} if self.alpha < 1 else {}
        )
