import dataclasses

import pytest

from bertlib.cli.options import field_help
from bertlib.tasks import answer, classify, match, pretrain, tag, translate
from bertlib.train.recipe import RECIPES, PretrainingRecipe, Recipe


def test_but_changes_what_is_named_and_nothing_else():
    changed = Recipe().but(epochs=5, seed=3)
    assert (changed.epochs, changed.seed) == (5, 3)
    assert changed.but(epochs=3, seed=0) == Recipe()


@pytest.mark.parametrize(
    "name, message",
    [
        ("epoch", r"epoch=1 is no setting: there is epochs"),
        ("learning_rates", "there is learning_rate"),
        ("batchsize", "there is batch_size"),
        ("zzz", "there is epochs, learning_rate, batch_size, accumulation"),
    ],
)
def test_a_setting_that_there_is_not_names_its_neighbours(name, message):
    with pytest.raises(TypeError, match=message):
        Recipe().but(**{name: 1})


def test_every_function_takes_the_recipe_and_its_fields_as_keywords_too(tiny_dataset, tiny_folder):
    """`fine_tune(…, epochs=1, seed=2)` is what scripts call; a recipe is what the course hands on."""
    settings = {"encoder": tiny_folder, "max_length": 20, "show_progress": False}
    given = {"epochs": 1, "learning_rate": 1e-3, "batch_size": 16, "accumulation": 2, "warmup": 0.2}
    given |= {"weight_decay": 0.1, "max_grad_norm": 0.5, "precision": "fp32", "seed": 2}
    given |= {"method": "lora", "rank": 4, "alpha": 4.0, "targets": "all"}
    of_others = {"prefix_length", "top_layers"}
    assert given.keys() | of_others == {field.name for field in dataclasses.fields(Recipe)}
    by_keywords = classify.fine_tune(tiny_dataset, **settings, **given)
    by_recipe = classify.fine_tune(tiny_dataset, **settings, recipe=Recipe(**given))
    mixed = classify.fine_tune(tiny_dataset, **settings, recipe=Recipe(**given | {"seed": 7}), seed=2)
    for other in (by_recipe, mixed):
        assert by_keywords.history.updates == other.history.updates


@pytest.mark.parametrize("task", [classify, tag, match, answer])
def test_an_unknown_keyword_is_refused_before_anything_is_read(task):
    with pytest.raises(TypeError, match="epoch=2 is no setting: there is epochs"):
        task.fine_tune(None, epoch=2)


def test_an_unknown_keyword_of_pretraining():
    with pytest.raises(TypeError, match="update=2 is no setting: there is updates"):
        pretrain.pretrain([], start=None, update=2)


@pytest.mark.parametrize(
    "updates, every, rounds, each",
    [(100, None, 10, 10), (7, None, 7, 1), (15, 10, 2, 10), (5, 10, 1, 5), (1, None, 1, 1), (25, None, 9, 3)],
)
def test_updates_become_rounds(updates, every, rounds, each):
    recipe = PretrainingRecipe(updates=updates, evaluate_every=every).in_rounds()
    assert (recipe.epochs, recipe.evaluate_every, recipe.updates) == (rounds, each, rounds * each)
    assert recipe.updates >= updates


def test_each_task_has_one_set_of_defaults():
    assert classify.TextClassifier.recipe is RECIPES["classify"]
    assert match.PairClassifier.recipe is RECIPES["match"]
    assert tag.EntityTagger.recipe is RECIPES["tag"]
    assert answer.Answerer.recipe is RECIPES["answer"]
    assert pretrain.PretrainedBert.recipe is RECIPES["pretrain"]
    assert translate.Translator.recipe is RECIPES["translate"]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_field_is_described_for_the_commands(name):
    told = field_help(RECIPES[name])
    assert {field.name for field in dataclasses.fields(RECIPES[name])} <= told.keys()
