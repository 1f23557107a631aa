"""A student and its teacher: the loss, and the training with it."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bug_zoo import distil_bugs
from torch import nn
from torch.nn import functional as F

from bertlib import BertForSequenceClassification
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.tasks.distil import distil
from bertlib.train.distil import DistilLoss, soft_loss

IDS = torch.tensor([[2, 5, 9, 6, 13, 3], [2, 7, 3, 0, 0, 0], [2, 8, 10, 12, 3, 0]])
BATCH = {"input_ids": IDS, "attention_mask": (IDS != 0).long(), "labels": torch.tensor([2, -100, 1])}


def logits_of(seed, rows=7, classes=4):
    return 3 * torch.randn(rows, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def is_the_formula(loss):
    """T² Σ p (log p − log q), written out in double precision."""
    student, teacher = logits_of(0), logits_of(1)
    for temperature in (1.0, 2.0, 7.5):
        q, p = (np.exp(x.numpy() / temperature) for x in (student, teacher))
        q, p = q / q.sum(axis=1, keepdims=True), p / p.sum(axis=1, keepdims=True)
        expected = temperature**2 * (p * (np.log(p) - np.log(q))).sum()
        assert loss(student, teacher, temperature).item() == pytest.approx(expected, rel=1e-12)


def test_the_soft_loss_is_the_formula_and_torchs():
    is_the_formula(soft_loss)
    student, teacher = logits_of(0), logits_of(1)
    theirs = F.kl_div((student / 3).log_softmax(-1), (teacher / 3).softmax(-1), reduction="batchmean")
    torch.testing.assert_close(soft_loss(student, teacher, 3) / len(student), 9 * theirs)


@pytest.mark.filterwarnings("ignore:reduction")  # torch warns of the second
@pytest.mark.parametrize(
    "bug",
    [
        distil_bugs.without_t_squared,
        distil_bugs.mean_for_batchmean,
        distil_bugs.swapped,
        distil_bugs.probabilities_for_logs,
    ],
)
def test_other_losses_are_not_the_formula(bug):
    with pytest.raises(AssertionError):
        is_the_formula(bug)


def test_the_gradient_keeps_its_scale_with_the_temperature():
    """At high T it is that of half the squared distance of centred logits, divided by C (Hinton et al., §2.1)."""
    student, teacher = logits_of(0).requires_grad_(), logits_of(1)
    centred = [x - x.mean(dim=-1, keepdim=True) for x in (student.detach(), teacher)]
    limit = (centred[0] - centred[1]) / student.size(1)
    for temperature in (300.0, 3000.0):
        (gradient,) = torch.autograd.grad(soft_loss(student, teacher, temperature), student)
        torch.testing.assert_close(gradient, limit, rtol=3e-2, atol=3e-2)


def test_a_student_that_agrees_loses_nothing():
    teacher = logits_of(1)
    assert soft_loss(teacher + 5, teacher, 2.0).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shape", [(7, 3), (6, 4), (7, 4, 1)])
def test_other_shapes_are_named(shape):
    with pytest.raises(ValueError, match="same classes"):
        soft_loss(torch.zeros(shape), logits_of(1), 2.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0}, "temperature=0"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"alpha": 1.1}, "alpha=1.1"),
        ({"alpha": -0.1}, "alpha=-0.1"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        DistilLoss(nn.Identity(), **settings)


@pytest.fixture
def pair(tiny_classifier_config):
    student, teacher = (BertForSequenceClassification(tiny_classifier_config) for _ in range(2))
    nn.init.normal_(teacher.classifier.weight)
    return student.eval(), teacher


def test_both_terms_and_what_they_run_over(pair):
    student, teacher = pair
    inputs = {name: BATCH[name] for name in ("input_ids", "attention_mask")}
    ours, theirs = student(**inputs).logits, teacher.eval()(**inputs).logits
    loss = DistilLoss(teacher, temperature=3.0, alpha=0.7)
    sums = loss.sums(student, BATCH)
    torch.testing.assert_close(sums["soft"], 0.7 * soft_loss(ours, theirs, 3.0))
    rows = torch.tensor([0, 2])
    torch.testing.assert_close(sums["hard"], 0.3 * F.cross_entropy(ours[rows], BATCH["labels"][rows], reduction="sum"))
    assert loss.counts(student, BATCH) == {"soft": 3, "hard": 2}


@pytest.mark.parametrize(("alpha", "term"), [(0.0, "hard"), (1.0, "soft")])
def test_a_term_that_weighs_nothing_is_not_computed(pair, alpha, term):
    student, teacher = pair
    loss = DistilLoss(teacher if alpha else None, alpha=alpha)
    assert list(loss.sums(student, BATCH)) == list(loss.counts(student, BATCH)) == [term]
    if alpha == 1:
        unlabelled = {name: tensor for name, tensor in BATCH.items() if name != "labels"}
        assert loss.counts(student, unlabelled) == {"soft": 3}
        torch.testing.assert_close(loss.sums(student, unlabelled), loss.sums(student, BATCH))


def says_the_same_and_stays(kind, student, teacher):
    """Twice the same loss of the same batch, though the teacher was left in training; no gradient reaches it."""
    loss = kind(teacher.train(), alpha=1.0)
    first, again = (loss.sums(student, BATCH)["soft"] for _ in range(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    first.backward()
    assert all(p.grad is None for p in teacher.parameters())
    assert any(p.grad is not None for p in student.parameters())


def test_the_teacher_says_the_same_and_does_not_learn(pair):
    says_the_same_and_stays(DistilLoss, *pair)


@pytest.mark.parametrize("bug", [distil_bugs.TeacherInTraining, distil_bugs.TeacherLearns])
def test_other_teachers_do(bug, pair):
    with pytest.raises(AssertionError):
        says_the_same_and_stays(bug, *pair)


def test_the_teacher_reads_each_text_once_whatever_stands_beside_it(pair):
    _, teacher = pair
    calls = []
    teacher.register_forward_hook(lambda module, given, output: calls.append(len(output.logits)))
    loss = DistilLoss(teacher)
    whole = loss.wanted({name: BATCH[name] for name in ("input_ids", "attention_mask")})
    alone = loss.wanted({"input_ids": IDS[1:2, :3]})
    assert calls == [3]
    torch.testing.assert_close(alone[0], whole[1])
    segments = torch.ones(1, 3).long()
    loss.wanted({"input_ids": IDS[1:2, :3], "token_type_ids": segments})
    assert calls == [3, 1]  # other segments are another text


def test_logits_made_in_inference_mode_can_be_learned(pair):
    student, teacher = pair
    loss = DistilLoss(teacher, alpha=1.0)
    with torch.inference_mode():
        loss.wanted({"input_ids": IDS[:1]})
    loss.sums(student, {"input_ids": IDS[:1]})["soft"].backward()


SETTINGS = {"learning_rate": 3e-3, "precision": "fp32", "show_progress": False}


@pytest.fixture(scope="module")
def teacher(tiny_folder, tiny_dataset):
    return fine_tune(tiny_dataset, encoder=tiny_folder, max_length=16, epochs=10, **SETTINGS)


def test_a_student_learns_from_texts_without_labels_alone(teacher, tiny_dataset):
    """Labels of the few rows with one are turned round: only the teacher can have said what is right."""
    few = tiny_dataset["train"].select(range(4))
    turned = {"train": few.map(lambda row: {"label": 1 - row["label"]})}
    before = copy.deepcopy(teacher.model.state_dict())
    loss = DistilLoss(teacher.model, alpha=1.0)
    texts = tiny_dataset["train"]["text"]
    student = distil(teacher, turned, (0,), unlabelled=texts, loss=loss, epochs=15, **SETTINGS)
    assert len(student.model.bert.layers) == 1
    assert student.model.config.num_hidden_layers == 1
    ours, theirs = (task.probabilities(tiny_dataset["test"]["text"]) for task in (student, teacher))
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.9
    for name, tensor in teacher.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_student_of_ones_own_is_trained_in_place_and_can_be_saved(teacher, tiny_dataset, tmp_path):
    own = fine_tune(tiny_dataset, encoder=teacher_folder(teacher, tmp_path), max_length=16, epochs=1, **SETTINGS)
    student = distil(teacher, tiny_dataset, own, epochs=2, **SETTINGS)
    assert student is own
    assert len(student.history.epochs) == 2
    assert "validation_accuracy" in student.history.epochs[0]
    student.save(tmp_path / "student")
    again = TextClassifier.load(tmp_path / "student")
    texts = tiny_dataset["test"]["text"]
    np.testing.assert_allclose(again.probabilities(texts), student.probabilities(texts), atol=1e-6)


def teacher_folder(teacher, tmp_path):
    teacher.save(tmp_path / "teacher")
    return tmp_path / "teacher"


def test_the_same_seed_gives_the_same_student(teacher, tiny_dataset):
    data = {"train": tiny_dataset["train"]}
    first, again = (distil(teacher, data, (1,), epochs=1, **SETTINGS).model.state_dict() for _ in range(2))
    assert all(torch.equal(tensor, again[name]) for name, tensor in first.items())


def test_other_labels_are_named(teacher, tiny_dataset):
    other = SimpleNamespace(labels=("a", "b"), model=teacher.model)
    with pytest.raises(ValueError, match="give equal ones"):
        distil(other, tiny_dataset, teacher)
    with pytest.raises(ValueError, match="which"):
        distil(teacher, tiny_dataset, (0, 7))
    with pytest.raises(TypeError, match="epoch"):
        distil(teacher, tiny_dataset, epoch=1)
