"""Distillation: a student learns what a teacher thinks of a text, beside what its label says (Hinton et al., 2015)."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.text.batching import Batch
from bertlib.train.loop import HeadLoss


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ student) of logits (B, C), softened by T, summed over the rows (Hinton et al., 2015, §2.1).

    A softened gradient shrinks as 1 / T²; the factor keeps its weight beside another term's for every T.
    """
    if student.shape != teacher.shape or student.dim() != 2:
        raise ValueError(
            f"logits of {tuple(student.shape)} and {tuple(teacher.shape)}: student and teacher must give the same "
            "classes, one row a text"
        )
    learned, wanted = ((logits / temperature).log_softmax(dim=-1) for logits in (student, teacher))
    return temperature**2 * F.kl_div(learned, wanted, reduction="sum", log_target=True)


class DistilLoss(HeadLoss):
    """α · `soft_loss` over all texts, and (1 − α) · cross-entropy over those with a label (-100 is none).

    The teacher is in evaluation mode and gets no gradient; each text's logits are computed once and kept.

    Args:
        teacher: gives logits (B, C).
        temperature: T; 1 leaves probabilities as they are, more tells more of the classes that are not the first.
        alpha: α; 0 learns from labels alone, 1 from the teacher alone.

    Raises:
        ValueError: an argument is out of its range, or the logits have other shapes; the message names it.
    """

    def __init__(self, teacher: nn.Module, *, temperature: float = 2.0, alpha: float = 0.5):
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature={temperature!r}: give a number above 0, such as 2")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha={alpha!r}: give the teacher's share, from 0 to 1")
        self.teacher, self.temperature, self.alpha = teacher, temperature, alpha
        self._made: dict[bytes, Tensor] = {}  # a text's ids and segments -> (C,)

    @torch.inference_mode(False)  # tensors made in that mode could not stand in a loss later
    @torch.no_grad()
    def wanted(self, inputs: Batch) -> Tensor:
        """The teacher's logits of a batch without labels, float32 (B, C)."""
        mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"])).cpu().numpy() > 0
        told = [inputs[name].cpu().numpy() for name in ("input_ids", "token_type_ids") if name in inputs]
        keys = [b"|".join(ids[row, there].tobytes() for ids in told) for row, there in enumerate(mask)]
        if not all(key in self._made for key in keys):
            self._made.update(zip(keys, self.teacher.eval()(**inputs).logits.float(), strict=True))
        return torch.stack([self._made[key] for key in keys])

    def sums(self, model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
        logits = model(**inputs).logits.float()
        sums = {"soft": self.alpha * soft_loss(logits, self.wanted(inputs), self.temperature)} if self.alpha else {}
        if self.alpha < 1:
            sums["hard"] = (1 - self.alpha) * F.cross_entropy(logits, batch["labels"], reduction="sum")
        return sums

    def counts(self, model: nn.Module, batch: Batch) -> Mapping[str, int]:
        counts = {"soft": len(batch["input_ids"])} if self.alpha else {}
        return counts if self.alpha == 1 else counts | {"hard": int((batch["labels"] != -100).sum())}
