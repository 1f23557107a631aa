"""How others choose and report: an objective takes (history, figure), a report (search, number -> score on test)."""


def sums_every_figure(history, figure):
    """The default objective of transformers' search: all figures of the last evaluation, added up; the speed too."""
    return sum(value for name, value in history.epochs[-1].items() if name not in ("epoch", "updates", "loss"))


def highest_of_any_epoch(history, figure):
    """The maximum over evaluations, whatever epoch's weights were kept."""
    return max(row[f"validation_{figure}"] for row in history.epochs)


def best_on_validation(found, tested):
    """What settings were chosen by, given as what they are worth."""
    return found.best.value


def best_of_seeds(found, tested):
    """The luckiest run on test."""
    return max(tested.values())
