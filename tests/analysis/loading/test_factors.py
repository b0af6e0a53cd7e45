from pathlib import Path

import analysis
from analysis.loading.factors import factors_of
from tests.synthetic import make_specs, write_sweep

SMALL = {"norms": ["none"], "gains": [1.0], "lrs": [0.1], "num_seeds": 1, "probes": False}


def test_each_field_is_a_factor_and_those_that_change_together_are_one(tmp_path: Path) -> None:
    specs = [
        spec
        for optimizer, momentum in (("sgd", 0.9), ("adam", 0.0))
        for steps in (1000, 20, 300)
        for spec in make_specs(**SMALL, optimizer=optimizer, momentum=momentum, steps=steps)  # type: ignore[arg-type]
    ]
    write_sweep(tmp_path, specs)
    settings = analysis.load(tmp_path).settings
    steps, optimizer = factors_of(settings)
    assert (steps.name, steps.levels) == ("steps", [20, 300, 1000])
    assert (optimizer.name, optimizer.levels) == ("optimizer & momentum", ["sgd, 0.9", "adam, 0"])
    for label in settings.fields.index:
        name, momentum = str(optimizer.of_setting[label]).split(", ")
        assert label == f"steps {steps.of_setting[label]}, optimizer {name}, momentum {momentum}"


def test_a_single_setting_has_no_factor(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(**SMALL))  # type: ignore[arg-type]
    assert factors_of(analysis.load(tmp_path).settings) == []
