"""Support desks as others shipped them: sure of what they never saw, thresholds from nowhere, one figure for two."""

import numpy as np


def softmax_of_all(vectors, labels, query):
    """Rasa 387 and 583: a softmax over the intents says which of them it is, not whether it is any."""
    names = sorted({*labels})
    means = np.array([vectors[[label == name for label in labels]].mean(axis=0) for name in names])
    powers = np.exp(20 * means @ query)
    return float(max(powers / powers.sum()))  # wrong: far from all of them one is still the likeliest


def always_nine_tenths(confidence, right, wrong_cost, handover_cost):
    """Made With ML, serve.py: below 0.9 it says "other", whatever an answer or a hand-over costs."""
    return 0.9  # wrong: chosen on nothing


def of_best_accuracy(confidence, right, wrong_cost, handover_cost):
    """As if a wrong answer and a needless hand-over cost the same."""
    tried = sorted([*confidence, np.inf], reverse=True)
    return max(tried, key=lambda t: ((confidence >= t) == right).mean())  # wrong: the costs have no say


def chosen_on_the_test(held_out, test, wrong_cost, handover_cost):
    """The threshold that is best on the questions it is then measured on."""
    confidence, right = test  # wrong: held_out is there to choose by

    def total(t):
        answered = confidence >= t
        return wrong_cost * (answered & ~right).sum() + handover_cost * (~answered).sum()

    return min(sorted([*confidence, np.inf], reverse=True), key=total)


def one_accuracy(gold, predicted, outside):
    """NLP with Transformers, chapter 8: out of scope is one class among the others."""
    return np.mean(gold == predicted)  # wrong: most questions are in scope, and hide the others


def one_reader_is_the_truth(predicted, first, second):
    """BANKING77: one label for each question, whatever another reader says."""
    return np.mean(predicted == first)  # wrong: the second reader is not asked


def noise_is_where_it_errs(predicted, first, second):
    """Labels that the model contradicts are thrown out as noise; what is left it gets right."""
    kept = (first == second) | (predicted == first)  # wrong: only doubtful rows that it gets right stay
    return np.mean(predicted[kept] == first[kept])


def temperature_of_the_test(held_out, test):
    """NN_calibration 17: the temperature is fitted on the labels that the calibration error is then computed with."""
    from bertlib.metrics.calibration import best_temperature

    return best_temperature(*test)  # wrong: held_out is there to fit it
