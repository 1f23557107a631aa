#!/usr/bin/env bash
# optuna 5.0.0: a seeded search that goes on in its study proposes the settings again that it has tried already.
#
# A study in SQLite exists so that a search can go on after it was stopped, and a sampler has a seed so that it can be
# repeated. With both, the random state starts anew with each start of the program while the study does not: as long as
# the sampler draws at random (TPE: its first 10 trials), the second start draws the first one's settings, to the last
# digit. Of 10 trials in two starts of 5, five are new; in five starts of 2, two are. Nothing is said about it, and the
# result has as many trials as were asked for. A seed that depends on the trial's number (or none) has all of them new.
# And load_if_exists=True keeps the stored direction in silence: who asks for "minimize" goes on maximizing, and gets
# the highest value as the best.
# Seen: "different settings of 10 trials: one start 10, two starts 5, five starts 2, a seed for each start 10", then
# "asked for minimize: MAXIMIZE, best is the highest: True".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check optuna==5.0.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import math

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    return -((math.log10(trial.suggest_float("rate", 1e-5, 1e-1, log=True)) + 3) ** 2)


def different(name, starts, seed_of=lambda start: 0):
    for start in range(starts):  # each is a start of the program: a new sampler, the study from its file
        sampler = optuna.samplers.TPESampler(seed=seed_of(start))
        study = optuna.create_study(
            study_name=name, storage=f"sqlite:///{name}.db", direction="maximize", load_if_exists=True, sampler=sampler
        )
        study.optimize(objective, n_trials=10 // starts)
    assert len(study.trials) == 10
    return len({trial.params["rate"] for trial in study.trials})


counts = different("one", 1), different("two", 2), different("five", 5), different("own", 5, lambda start: start)
print(optuna.__version__)
line = "different settings of 10 trials: one start {}, two starts {}, five starts {}, a seed for each start {}"
print(line.format(*counts))
other = optuna.create_study(study_name="one", storage="sqlite:///one.db", direction="minimize", load_if_exists=True)
highest = other.best_value == max(trial.value for trial in other.trials)
print(f"asked for minimize: {other.direction.name}, best is the highest: {highest}")
assert counts == (10, 5, 2, 10) and other.direction.name == "MAXIMIZE" and highest, "this has changed"
PYTHON
