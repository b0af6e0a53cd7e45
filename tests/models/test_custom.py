"""Models of the user's own: built as asked, the same for a seed, and refused with a reason."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bnsweep.errors import InputError
from bnsweep.models import Network, build_model, describe_split, layers, norm_sites, split
from bnsweep.norm import NORMS, set_step
from bnsweep.spec import CustomSpec
from bnsweep.training.initialization import initialize

DIGITS, OWN = (1, 8, 8), "tests.user_code.models:"


def build(name: str, norm: str = "batch", seed: int = 0, **options: object) -> Network:
    path = name if ":" in name else f"models:{name}"
    return build_model(CustomSpec(name=f"tests.user_code.{path}", **options), norm, DIGITS, 10, noise_seed=seed)


@pytest.mark.parametrize("name", ["chain", "branches"])
@pytest.mark.parametrize("norm", NORMS)
def test_it_is_built_with_the_trials_normalization_at_every_site(name: str, norm: str) -> None:
    network = build(name, norm)
    found, model = norm_sites(network), network.model
    assert len(found) == 2
    assert {type(module) for _, _, module in found} == {type(module) for _, _, module in norm_sites(build(name, norm))}
    set_step(model, 0)
    assert model(torch.zeros(4, *DIGITS)).shape == (4, 10)


def test_sites_are_numbered_in_the_order_of_the_calls_and_have_the_noise_seed() -> None:
    sites = [module.site for _, _, module in norm_sites(build("chain", "noisy_batch", seed=5))]
    assert [(site.index, site.channels, site.spatial, site.noise_seed) for site in sites] == [
        (0, 4, (8, 8), 5),
        (1, 8, (8, 8), 5),
    ]


def test_options_reach_the_callable() -> None:
    assert layers(build("chain", width=6))[0][1].weight.shape == (6, 1, 3, 3)


def test_what_it_draws_depends_on_the_seed_alone_and_the_global_streams_stay() -> None:
    torch.manual_seed(1)
    before, python = torch.get_rng_state(), random.getstate()
    first = build("chain", seed=3).model[0].scale
    assert torch.equal(torch.get_rng_state(), before)
    assert random.getstate() == python
    torch.manual_seed(2)
    assert torch.equal(build("chain", "none", seed=3).model[0].scale, first)
    assert not torch.equal(build("chain", seed=4).model[0].scale, first)


def test_being_tried_out_leaves_no_trace_in_the_model() -> None:
    model = build("chain", "batch").model
    assert all(module.training for module in model.modules())
    assert {int(buffer) for name, buffer in model.named_buffers() if name.endswith("num_batches_tracked")} == {0}


def test_initializing_draws_weights_and_biases_and_leaves_the_rest_as_built() -> None:
    network, again = build("chain"), build("chain").model
    initialize(network, "kaiming_normal", 1.0, seed=0)
    drawn = {id(parameter) for _, layer in layers(network) for parameter in layer.parameters()}
    for parameter, built in zip(network.model.parameters(), again.parameters(), strict=True):
        assert torch.equal(parameter, built) == (id(parameter) not in drawn)
    assert not layers(network)[0][1].bias.any()


def test_modules_beside_the_current_directory_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bnsweep_test_nets.py").write_text(
        "from torch import nn\n"
        "def net(input_shape, num_classes, norm):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")  # restores sys.path afterwards
    model = build_model(CustomSpec(name="bnsweep_test_nets:net"), "none", DIGITS, 10, noise_seed=0).model
    assert isinstance(model[1], nn.Linear)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "nothing",
            {},
            "models:nothing cannot be loaded (module 'tests.user_code.models' has no attribute",
        ),
        ("NO_CALLABLE", {}, "tests.user_code.models:NO_CALLABLE is a int; it should be callable"),
        ("no_module", {}, "tests.user_code.models:no_module returned a int; it should return a torch.nn.Module"),
        (
            "chain",
            {"widht": 4},
            "tests.user_code.models:chain cannot be called with input_shape, num_classes, norm, widht: "
            "got an unexpected keyword argument 'widht'",
        ),
        ("chain", {"width": "wide"}, "tests.user_code.models:chain fails when called for norm none: TypeError: "),
        (
            "refusing",
            {"depth": 3},
            "models:refusing fails when called for norm none: ValueError: depth 3",
        ),
        (
            "edge_case_models:refusing",
            {},
            "tests.user_code.edge_case_models:refusing fails when called for norm none: KeyError: 'depth' (",
        ),
        ("refusing", {}, "with input_shape, num_classes, norm: missing a required argument: 'depth'"),
        (
            "headless",
            {},
            "tests.user_code.models:headless gives (2, 10, 8, 8) on a batch (2, 1, 8, 8); it should give (2, 10)",
        ),
        (
            "misfit",
            {},
            "models:misfit fails on a batch (2, 1, 8, 8): RuntimeError: mat1 and mat2 shapes",
        ),
        (
            "no_layer",
            {},
            "models:no_layer has no weight layer: no trainable linear or convolution module",
        ),
        ("parametrized", {}, "parametrized: the weight of 1 is computed from others (a parametrization)"),
        ("lazy", {}, "tests.user_code.models:lazy: the weight of 1 is not there yet (a lazy module)"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(name: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(InputError) as error:
        build(name, "none", **options)
    assert str(error.value).startswith("model.name: ")
    assert text in str(error.value)


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"model.name: no.such.module:net cannot be loaded \(No module named 'no'\)"):
        build_model(CustomSpec(name="no.such.module:net"), "none", DIGITS, 10, noise_seed=0)


BAD_CODE = [
    ("def net(:", r"fails when it is imported: SyntaxError: invalid syntax \(bnsweep_test_bad0.py, line 1\)"),
    ("raise ValueError('no data')", r"fails when it is imported: ValueError: no data \(.*bad1\.py:1\)"),
    ("import nowhere", r"cannot be loaded \(No module named 'nowhere'\); bnsweep_test_bad2.py:1 imports it"),
    (
        "from bnsweep_test_bad3 import x",
        r"cannot be loaded \(cannot import name 'x'.*\); .*bad3\.py:1 imports it",
    ),
    ("x = 1", r"cannot be loaded \(.* has no attribute 'net'\); there is no function or class in it$"),
    ("def nets(): ...", r"cannot be loaded \(.* has no attribute 'net'\); allowed: nets; did you mean 'nets'\?$"),
    ("from json import dumps", r"cannot be loaded \(.*\); there is no function or class in it$"),
]


@pytest.mark.parametrize(("number", "code", "message"), [(i, *bad) for i, bad in enumerate(BAD_CODE)])
def test_a_module_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, message: str
) -> None:
    name = f"bnsweep_test_bad{number}"
    (tmp_path / f"{name}.py").write_text(code + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with pytest.raises(InputError, match=rf"^model\.name: {name}:net {message}"):
        build_model(CustomSpec(name=f"{name}:net"), "none", DIGITS, 10, noise_seed=0)


def test_a_site_of_no_size_and_a_mode_that_cannot_work_there_are_refused() -> None:
    with pytest.raises(InputError) as error:
        build("bad_site")
    assert str(error.value) == (
        "norm: given norm(16, 8); it takes the channels and (height, width), or None after a fully connected layer"
    )
    with pytest.raises(InputError, match="site 0"):
        build_model(CustomSpec(name=OWN + "chain"), "instance", (1, 1, 1), 10, noise_seed=0)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("norm(64)", "when called for norm none: TypeError: Sites.__call__() missing 1 required positional argument"),
        ("norm", "when called for norm none: TypeError: bnsweep.models.sites.Sites is not a Module subclass"),
        ("norm['batch']", "when called for norm none: TypeError: 'Sites' object is not subscriptable"),
        ("norm.of_tokens(64)", "when called for norm none: TypeError: Sites.of_tokens() missing 1 required positional"),
        ("norm.lower()", "when called for norm none: AttributeError: 'Sites' object has no attribute 'lower'"),
        ("Applied(norm)", "on a batch (2, 1, 8, 8): TypeError: Sites.__call__() missing 1 required positional"),
    ],
)
def test_a_norm_that_is_used_in_another_way_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, said: str
) -> None:
    module = f"bnsweep_test_norm{abs(hash(how))}"
    (tmp_path / f"{module}.py").write_text(
        "from torch import nn\n"
        "class Applied(nn.Module):\n"
        "    def __init__(self, norm):\n"
        "        super().__init__()\n"
        "        self.norm = norm\n"
        "    def forward(self, x):\n"
        "        return self.norm(x)\n"
        "def net(input_shape, num_classes, norm):\n"
        f"    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), {how}, nn.Linear(64, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with pytest.raises(InputError) as error:
        build_model(CustomSpec(name=f"{module}:net"), "none", DIGITS, 10, noise_seed=0)
    assert str(error.value).startswith(f"model.name: {module}:net fails {said}")
    assert str(error.value).endswith(
        "norm is the Sites of the trial: norm(channels, (height, width)) returns a module for a map, "
        "norm(features, None) one for after a fully connected layer"
    )


def test_stages_count_as_the_chain_only_where_the_forward_is_known() -> None:
    for name in ("models:with_stages", "edge_case_models:gated"):
        network = build_model(CustomSpec(name=f"tests.user_code.{name}"), "none", DIGITS, 10, noise_seed=0)
        assert len(split(network).stages) == 1
        assert describe_split(network, "my:net") == (
            "ics: no chain of stages known for my:net; one full pass per layer"
        )


def test_layers_and_sites_come_in_the_order_of_the_forward() -> None:
    def built(name: str) -> Network:
        return build_model(
            CustomSpec(name=f"tests.user_code.edge_case_models:{name}"), "batch", DIGITS, 10, noise_seed=0
        )

    network = built("reordered")
    assert [name for name, _ in layers(network)] == ["a", "b", "head"]
    assert [(number, name) for number, name, _ in norm_sites(network)] == [(0, "a"), (1, "b")]
    owned = {layer.name: layer.parameters for layer in split(network).layers}
    assert owned["a"] == ("a.weight", "a.bias", "norm_a.weight", "norm_a.bias")
    assert [name for name, _ in layers(build("edge_case_models:unused"))] == ["a", "head", "spare"]
    assert [name for name, _ in layers(build("edge_case_models:attending"))] == ["embed", "attention.out_proj", "head"]


def test_parameters_that_are_no_layer_are_named() -> None:
    network = build_model(
        CustomSpec(name="tests.user_code.edge_case_models:attending"), "batch", DIGITS, 10, noise_seed=0
    )
    assert str(describe_split(network, "my:net")).splitlines()[1] == (
        "ics: a layer is a linear or convolution module; attention.in_proj_weight, attention.in_proj_bias of my:net "
        "have no row and count to the layer before them"
    )
    nets = nn.Sequential(nn.Linear(2, 2), *(nn.LayerNorm(2) for _ in range(3)))
    assert "1.weight, 1.bias, 2.weight and 3 more of my:net" in str(describe_split(Network(nets), "my:net"))


def test_the_global_streams_are_the_seeds_own_while_it_is_built_and_tried() -> None:
    np.random.seed(5)  # noqa: NPY002  the global stream is what is watched
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    network = build_model(
        CustomSpec(name="tests.user_code.edge_case_models:flipped"), "batch", DIGITS, 10, noise_seed=0
    )
    assert len(layers(network)) == 3
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
