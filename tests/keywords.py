"""The training loop called with keywords, as tests like it: the objects that it takes are made of them."""

from bertlib.train import loop
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.recipe import Recipe


class Given:
    """A loss of two functions: (model, batch) -> sums, batch -> counts."""

    def __init__(self, loss_sums, loss_counts):
        self.loss_sums, self.loss_counts = loss_sums, loss_counts

    def sums(self, model, batch):
        return self.loss_sums(model, batch)

    def counts(self, model, batch):
        return self.loss_counts(batch)


EVALUATION = {"evaluate": "measure", "maximize": "maximize", "evaluate_first": "first", "on_best": "on_best"}
LOG = ("what", "unit", "size", "show_progress", "on_epoch")
WHOLE = ("checkpoints", "gradient", "loss")


def train(model, batches, *, loss_sums=None, loss_counts=None, **settings):
    """Settings are fields of the recipe, and the keywords of evaluation and log."""
    evaluation = Evaluation(**{new: settings.pop(old) for old, new in EVALUATION.items() if old in settings})
    log = Log(**{name: settings.pop(name) for name in LOG if name in settings})
    objects = {name: settings.pop(name) for name in WHOLE if name in settings}
    if loss_sums is not None:
        objects["loss"] = Given(loss_sums, loss_counts)
    return loop.train(model, batches, Recipe(**settings), evaluation=evaluation, log=log, **objects)
