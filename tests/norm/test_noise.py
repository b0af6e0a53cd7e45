"""The noise of Algorithm 1: its distribution, and that it depends on seed, site and step alone."""

import pytest
import torch
from scipy import stats

from bnsweep.norm import NormSite, build_norm, set_step
from bnsweep.norm.noise import algorithm1_noise, noise_generator
from bnsweep.norm.noisy import NoisyBatchNorm

CPU = torch.device("cpu")
SAMPLES, UNITS = 1000, 400


@pytest.fixture(scope="module")
def noise() -> tuple[torch.Tensor, torch.Tensor]:
    """s and m, (SAMPLES, UNITS)."""
    return algorithm1_noise(noise_generator(0, 0, 0, CPU), (SAMPLES, UNITS), torch.float64)


def noisy_norm(seed: int = 5, index: int = 0, step: int | None = 0) -> NoisyBatchNorm:
    norm = build_norm("noisy_batch", NormSite(channels=4, spatial=(2, 2), index=index, noise_seed=seed))
    assert isinstance(norm, NoisyBatchNorm)
    if step is not None:
        set_step(norm, step)
    return norm


def x() -> torch.Tensor:
    return torch.randn((8, 4, 2, 2), generator=torch.Generator().manual_seed(0))


def test_offsets_are_uniform_within_a_tenth_of_a_centre_that_is_uniform_over_units(noise) -> None:
    _, m = noise
    centre = (m.amax(0) + m.amin(0)) / 2
    assert stats.kstest(centre, stats.uniform(-0.5, 1.0).cdf).pvalue > 0.01
    assert (m.amax(0) - m.amin(0)).max() <= 0.2
    assert (m.amax(0) - m.amin(0)).min() > 0.195
    assert stats.kstest((m - centre).flatten()[:100_000], stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01


def test_factors_are_normal_with_standard_deviation_a_tenth_around_a_centre_that_is_uniform_over_units(noise) -> None:
    s, _ = noise
    assert stats.kstest(s.mean(0), stats.uniform(1.0, 0.25).cdf).pvalue > 0.01
    assert s.std(0).mean().item() == pytest.approx(0.1, rel=0.01)
    assert stats.kstest((s - s.mean(0)).flatten()[:100_000], stats.norm(0.0, 0.1).cdf).pvalue > 0.01


def test_factors_and_offsets_are_independent_between_samples_and_of_each_other(noise) -> None:
    s, m = (values - values.mean(0) for values in noise)
    for a, b in ((s[:-1], s[1:]), (m[:-1], m[1:]), (s, m), (s[:, :-1], s[:, 1:]), (m[:, :-1], m[:, 1:])):
        assert abs(stats.pearsonr(a.flatten(), b.flatten()).statistic) < 5 / (SAMPLES * UNITS) ** 0.5
    assert abs(stats.pearsonr(noise[0].mean(0), noise[1].mean(0)).statistic) < 5 / UNITS**0.5


def test_in_a_map_the_unit_is_the_channel_and_each_position_a_sample_of_its_own() -> None:
    s, m = algorithm1_noise(noise_generator(0, 0, 0, CPU), (20, 3, 10, 10), torch.float64)
    columns = m.transpose(0, 1).flatten(1)
    assert (columns.amax(1) - columns.amin(1)).max() <= 0.2
    assert columns.unique().numel() == columns.numel()
    assert s.unique().numel() == s.numel()
    assert columns.mean(1).std() > 0.05


def test_noise_is_fresh_at_every_step_site_and_seed_and_the_same_again_for_the_same() -> None:
    draws = [noisy_norm(seed, index, step)(x()) for seed, index, step in ((5, 0, 0), (5, 0, 1), (5, 1, 0), (6, 0, 0))]
    assert all(not torch.equal(a, b) for i, a in enumerate(draws) for b in draws[:i])
    assert torch.equal(draws[0], noisy_norm(5, 0, 0)(x()))


def test_unit_parameters_are_fresh_at_every_step_not_only_the_samples() -> None:
    first, second = (
        algorithm1_noise(noise_generator(0, 0, step, CPU), (SAMPLES, UNITS), torch.float64) for step in (0, 1)
    )
    for a, b in zip(first, second, strict=True):
        assert abs(stats.pearsonr(a.mean(0), b.mean(0)).statistic) < 5 / UNITS**0.5


def test_noise_is_frozen_within_a_step_and_comes_back_with_it() -> None:
    norm = noisy_norm(step=3)
    first = norm(x())
    assert torch.equal(norm(x()), first)
    norm(x()[:4])
    assert torch.equal(norm(x()), first)
    set_step(norm, 4)
    assert not torch.equal(norm(x()), first)
    set_step(norm, 3)
    assert torch.equal(norm(x()), first)


def test_noise_does_not_depend_on_the_layout_and_takes_the_place_of_the_last_steps() -> None:
    norm, other = noisy_norm(step=3), noisy_norm(step=3)
    s, m = (values.clone() for values in norm.noise(x()))
    of_other = other.noise(x().to(memory_format=torch.channels_last))
    assert torch.equal(s, of_other[0])
    assert torch.equal(m, of_other[1])
    held = norm.noise(x())
    set_step(norm, 4)
    assert [values.data_ptr() for values in norm.noise(x())] == [values.data_ptr() for values in held]
    assert not torch.equal(held[0], s)
    assert not torch.equal(held[1], m)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(7, 3), (5, 3, 3, 3)])
def test_every_entry_of_an_odd_number_is_drawn(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    s, m = algorithm1_noise(noise_generator(0, 0, 0, CPU), shape, dtype)
    assert s.shape == m.shape == shape
    assert s.dtype == m.dtype == dtype
    assert 0.3 < s.min() < s.max() < 2.0
    assert -0.61 < m.min() < m.max() < 0.61
    assert dtype == torch.bfloat16 or len(m.unique()) == len(s.unique()) == m.numel()


def test_noise_neither_reads_nor_moves_the_global_stream() -> None:
    torch.manual_seed(1)
    first = noisy_norm()(x())
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert torch.equal(noisy_norm()(x()), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluation_has_no_noise() -> None:
    norm = noisy_norm()
    norm(x())
    assert torch.equal(norm.eval()(x()), norm.batch(x()))
    assert torch.equal(norm(x()), norm(x()))


def test_a_training_forward_before_any_step_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"call bnsweep.norm.set_step\(model, step\) first"):
        noisy_norm(step=None)(x())
