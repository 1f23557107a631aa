"""Distillation as others shipped it: a loss of another scale, the wrong way round, and a teacher that trains along."""

import torch
from torch.nn import functional as F

from bertlib.train.distil import DistilLoss


def without_t_squared(student, teacher, temperature):
    """What is softened more pulls less: the teacher's share falls as 1 / T²."""
    learned, wanted = ((logits / temperature).log_softmax(dim=-1) for logits in (student, teacher))
    return F.kl_div(learned, wanted, reduction="sum", log_target=True)  # wrong: not times T²


def mean_for_batchmean(student, teacher, temperature):
    """haitongli/knowledge-distillation-pytorch 2, deit 61: reduction="mean" divides by the classes as well."""
    learned, wanted = ((logits / temperature).log_softmax(dim=-1) for logits in (student, teacher))
    mean = F.kl_div(learned, wanted, reduction="mean", log_target=True)  # wrong: "batchmean"
    return temperature**2 * mean * len(student)


def swapped(student, teacher, temperature):
    """KL(student ‖ teacher): the student may leave out what the teacher holds possible."""
    learned, wanted = ((logits / temperature).log_softmax(dim=-1) for logits in (student, teacher))
    return temperature**2 * F.kl_div(wanted, learned, reduction="sum", log_target=True)  # wrong: changed places


def probabilities_for_logs(student, teacher, temperature):
    """haitongli 48: kl_div takes the student's probabilities for their logarithms."""
    learned, wanted = ((logits / temperature).softmax(dim=-1) for logits in (student, teacher))
    return temperature**2 * F.kl_div(learned, wanted, reduction="sum")  # wrong: log_softmax of the student


class TeacherInTraining(DistilLoss):
    """The teacher's dropout acts: it says something else of the same text each time."""

    @torch.no_grad()
    def wanted(self, inputs):
        return self.teacher.train()(**inputs).logits  # wrong: eval()


class TeacherLearns(DistilLoss):
    """The gradient reaches the teacher, who comes to meet the student."""

    def wanted(self, inputs):
        return self.teacher.eval()(**inputs).logits  # wrong: no_grad
