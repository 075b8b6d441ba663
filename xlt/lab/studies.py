"""What each notebook runs: a function for each phase, `planned` for the studies that a profile declares.

Notebooks run these studies and `xlt plan` counts them, so that what is announced is what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from xlt.data import exposure
from xlt.lab import evaluated
from xlt.lab.jobs import Wanted
from xlt.lab.lab import Lab
from xlt.lab.planned import planned
from xlt.lab.study import Study, distinct, trained_and_headless
from xlt.models import robust
from xlt.spec import tasks
from xlt.spec.recipe import Recipe
from xlt.spec.stage_rules import dev_language
from xlt.spec.study import Control


def _direct(lab: Lab, targets: list[str], *intermediate: str, pretrained: bool = True) -> dict[str, Recipe]:
    """target: recipe that ends with its stage, once for all the targets that are trained alike."""
    return distinct((target, lab.recipe(*intermediate, target=target, pretrained=pretrained)) for target in targets)


def pretrained(lab: Lab) -> Study:
    """Phase 1: the encoder as it is, and as a control direct fine-tuning without pretraining (where that is ours)."""
    trained, headless = trained_and_headless(lab.profile.target)
    recipes = {"pretrained": lab.recipe()}
    if lab.profile.pretraining:
        recipes["random"] = lab.recipe(pretrained=False)
        recipes |= {f"no pretraining: {t}": r for t, r in _direct(lab, trained, pretrained=False).items()}
    return Study(recipes, lab.evaluations(*trained, *headless))


def intermediate(lab: Lab) -> Study:
    """Phase 2: one intermediate stage (or control) on the pretrained encoder; the dev scores of its tasks."""
    recipes = {name: lab.recipe(name) for name in _rows(lab) if not lab.profile.repeats(name)}
    learned = [part for recipe in recipes.values() for part in recipe.stages[-1].parts]
    evaluations = [
        lab.profile.evaluate(part.task, code, {"split": "dev"})
        for part in learned
        for code in evaluated.dev_languages(lab.source, part.task, part.languages)
    ]
    return Study(recipes, list(dict.fromkeys(evaluations)))


def headless_targets(lab: Lab) -> Study:
    """Phases 2 and 3: the encoder as it is and after each stage, on the targets that need no training of their own."""
    _, names = trained_and_headless(lab.profile.target)
    if not names:
        return Study({})
    after = {name: lab.recipe(name) for name in _rows(lab) if not lab.profile.repeats(name)}
    return Study({"none": lab.recipe()} | after, lab.evaluations(*names))


def transfer(lab: Lab) -> Study:
    """Phase 3: every intermediate stage, none and the controls x every target, in every language."""
    trained, _ = trained_and_headless(lab.profile.target)
    rows, untrained = _rows(lab), headless_targets(lab)
    recipes = {f"none → {t}": r for t, r in _direct(lab, trained).items()}
    recipes |= {f"{row} → {t}": r for row in rows for t, r in _direct(lab, trained, row).items()}
    return Study(recipes | untrained.recipes, [*lab.evaluations(*trained), *untrained.evaluations])


def _rows(lab: Lab) -> list[str]:
    """Rows of the transfer matrix below none."""
    return [*lab.profile.intermediate, *lab.profile.controls]


def axes(lab: Lab) -> dict[str, Any]:
    """Rows and columns of the transfer matrix as the profile plans them: arguments of `tables.transfer_matrix`."""
    controls = {name: _control(lab, name) for name in lab.profile.controls}
    targets = [*lab.profile.target]
    met = exposure.learned(lab.profile.encoder, targets, lab.source)
    return {"intermediates": [*lab.profile.intermediate], "targets": targets, "controls": controls, "met": met}


def _control(lab: Lab, name: str) -> Control:
    """A control of the profile in words. One that repeats the target has no cell for targets without a head."""
    trained, headless = trained_and_headless(lab.profile.target)
    if lab.profile.repeats(name):
        long = lab.profile.stage(name, "intermediate", trained[0]).duration if trained else "no updates"
        return Control(f"the target's own training records for {long} before the target's stage", tuple(headless))
    stage = lab.profile.stage(name, "intermediate")
    labels = " with shuffled labels, which say nothing about the records" if stage.shuffle_labels else ""
    return Control(f"{'+'.join(stage.trains)}{labels}, {stage.duration}")


def retrieval(lab: Lab) -> Study:
    """Phase 4: the encoder as it is and after the first intermediate stages; every layer and pooling, one seed."""
    recipes = {"none": lab.recipe()} | {name: lab.recipe(name) for name in list(lab.profile.intermediate)[:3]}
    pairs = [name for name in lab.profile.target if tasks.get(name).family == tasks.RETRIEVAL]
    sweeps = [e.model_copy(update={"sweep": True}) for e in lab.evaluations(*pairs[:1])]
    return Study({name: recipe.seeded(0) for name, recipe in recipes.items()}, sweeps)


def radii(lab: Lab) -> Study:
    """How the radius of robust training was chosen: adversarial training with radius 0, the profile's, and thrice that.

    Evaluated on development records, in the language of training, of the last target that has some. Only the first seed
    is trained, because the choice comes before seeds are compared. Empty where the profile has no arm "adv".
    """
    study = planned(lab, "robust_training")
    for target in reversed(study.targets):
        recipe = study.recipes.get(f"adv → {target}")
        if recipe and "dev" in tasks.get(target).splits:
            stage = recipe.stages[-1]
            radii = (0, stage.ball.radius, round(3 * stage.ball.radius, 6))
            recipes = robust.radii(recipe.seeded(0), radii, stage.ball)
            code = dev_language(stage.languages)
            return Study(recipes, [lab.profile.evaluate(target, code, {"split": "dev"})])
    return Study({})


PHASES: dict[str, Callable[[Lab], Study]] = {
    "01_pretrained_encoder": pretrained,
    "02_intermediate_training": intermediate,
    "03_zero_shot_transfer": transfer,
    "04_sentence_retrieval": retrieval,
}


def of(lab: Lab) -> dict[str, Study]:
    """Every study that the notebooks of the profile run, by notebook."""
    phases = {notebook: study(lab) for notebook, study in PHASES.items()}
    return phases | {f"study_{name}": planned(lab, name) for name in lab.profile.studies}


BESIDE: dict[str, Callable[[Lab], Study]] = {  # what a page shows beside its own study
    "02_intermediate_training": headless_targets,
    "03_zero_shot_transfer": intermediate,  # it says which stages did not learn
    "study_robust_training": radii,
}


def by_notebook(lab: Lab) -> dict[str, list[Wanted]]:
    """All that each notebook of the profile asks: every run in every seed, and what it is evaluated on."""
    several = {
        notebook: [study, *([BESIDE[notebook](lab)] if notebook in BESIDE else [])]
        for notebook, study in of(lab).items()
    }
    return {
        notebook: [wanted for one in together for wanted in lab.wanted(one.recipes, one.evaluations, one.seeds)]
        for notebook, together in several.items()
    }


def asked(lab: Lab, notebooks: Collection[str] | None = None) -> list[Wanted]:
    """All that the profile's notebooks, or these of them, ask."""
    every = by_notebook(lab).items()
    return [one for notebook, wanted in every if notebooks is None or notebook in notebooks for one in wanted]


def all_recipes(lab: Lab) -> list[Recipe]:
    """Every run that the profile's notebooks use, in every seed, with the runs that it starts from."""
    recipes: dict[Recipe, None] = {}
    for study in of(lab).values():
        for _, _, recipe in lab.expand(study.recipes, study.seeds):
            recipes |= dict.fromkeys(recipe.lineage())
    return list(recipes)
