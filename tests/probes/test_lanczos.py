"""Extreme eigenvalues of known matrices, and how often their bounds may be broken."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bnsweep.probes import lanczos
from bnsweep.probes.lanczos import MAX_PRODUCTS, Extremes, Product, extreme_eigenvalues, least_overlap, random_start
from tests.reads import Reads

CPU = torch.device("cpu")
DOUBLE, SINGLE = (torch.finfo(kind).eps for kind in (torch.float64, torch.float32))


def matrix(spectrum: list[float], seed: int = 0) -> torch.Tensor:
    """A symmetric matrix with these eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn((len(spectrum),) * 2, generator=generator, dtype=torch.float64))
    return basis * torch.tensor(spectrum, dtype=torch.float64) @ basis.T


def found_of(product: Product, start: torch.Tensor, tolerance: float, eps: float) -> Extremes:
    """Those of one matrix."""
    return extreme_eigenvalues(product, start, tolerance, eps)[0]


def extremes(hessian: torch.Tensor, tolerance: float, seed: int = 0) -> Extremes:
    eps = torch.finfo(hessian.dtype).eps
    return found_of(lambda v: v.to(hessian.dtype) @ hessian, random_start(len(hessian), seed, CPU), tolerance, eps)


def test_each_of_several_matrices_is_as_it_is_alone_and_all_are_read_at_once() -> None:
    """One converges early, one late, one overflows, one is not symmetric, and one is not asked for."""
    hessians = [matrix([float(i**power) for i in range(12)], seed) for seed, power in enumerate((4, 1, 2, 1, 1))]
    hessians[2] = hessians[2] * math.nan
    hessians[3][0, 1] += 5.0
    calls, start = [], random_start(12, 0, CPU)

    def product(v: torch.Tensor) -> torch.Tensor:
        calls.append(v)
        return torch.cat([row[None] @ hessian for row, hessian in zip(v, hessians, strict=True)])

    with Reads() as reads:
        found = extreme_eigenvalues(product, start, 1e-3, DOUBLE, wanted=[0, 1, 2, 3], members=5)
    alone = {k: found_of(lambda v, k=k: v @ hessians[k], start, 1e-3, DOUBLE) for k in range(4)}
    assert {k: repr(one) for k, one in found.items()} == {k: repr(one) for k, one in alone.items()}
    assert len({one.num_products for one in found.values()}) > 2
    assert len(calls) == max(one.num_products for one in found.values())
    assert reads.count == 0  # but for one list of all numbers at each product, which is not counted


@given(st.lists(st.floats(-100, 80), min_size=8, max_size=30), st.integers(0, 100))
def test_quadratics_with_known_eigenvalues(eigenvalues: list[float], seed: int) -> None:
    """The largest, not the largest in size: a Hessian has negative eigenvalues too."""
    found = extremes(matrix([*eigenvalues, 101.0], seed), 1e-9, seed)
    assert found.largest == pytest.approx(101.0, rel=1e-8)
    assert found.largest - 1e-9 <= 101.0 <= found.largest_bound + 1e-9
    assert found.lowest_bound - 1e-9 <= min(eigenvalues) <= found.lowest + 1e-9
    assert found.num_products > 1


@given(st.floats(-36, 36), st.lists(st.floats(-1, 0.9), min_size=8, max_size=20))
def test_products_in_float32_do_where_squares_would_overflow_or_vanish(exponent: float, rest: list[float]) -> None:
    found = extremes((matrix([*rest, 1.0]) * 10**exponent).float(), 1e-5)
    assert found.largest / 10**exponent == pytest.approx(1.0, rel=1e-4)


@pytest.mark.long
@settings(max_examples=200)
@given(st.integers(10, 60), st.floats(0.001, 0.5), st.floats(-5, 0.5), st.integers(0, 10**6))
def test_the_bound_holds_for_every_start_with_the_least_overlap(size: int, gap: float, low: float, seed: int) -> None:
    """At the first step whose bound is within the tolerance, whatever the spectrum below."""
    generator = torch.Generator().manual_seed(seed)
    spectrum = low + (1 - gap - low) * torch.rand(size - 1, generator=generator, dtype=torch.float64)
    spectrum = torch.cat([spectrum, torch.ones(1, dtype=torch.float64)])
    start = random_start(size, seed, CPU)
    overlap = abs(start[-1]) / torch.linalg.vector_norm(start)
    assume(overlap >= least_overlap(size))
    for tolerance in (0.5, 0.1, 0.01):
        found = found_of(lambda v: spectrum * v, start, tolerance, DOUBLE)
        assert found.largest - 1e-12 <= 1.0 <= found.largest_bound + 1e-12
        assert found.largest >= 1 - tolerance
        assert found.largest_bound <= (1 + 1.002 * tolerance) * found.largest


def test_a_start_without_the_top_eigenvector_breaks_the_bound() -> None:
    """What the failure probability is for: nothing that products show tells of it."""
    spectrum, start = torch.linspace(-1, 5, 40, dtype=torch.float64), torch.ones(40)
    start[-1] = 0.0
    assert found_of(lambda v: spectrum * v, start, 0.001, DOUBLE).largest_bound < 4.9


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_random_starts_have_less_than_the_least_overlap_as_often_as_stated(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanczos, "FAILURE_PROBABILITY", 0.1)
    starts = torch.stack([random_start(size, seed, CPU) for seed in range(4000)])
    overlaps = starts[:, 0].abs() / torch.linalg.vector_norm(starts, dim=1)
    share = (overlaps < least_overlap(size)).double().mean().item()
    assert share == pytest.approx(0.1 if size > 1 else 0.0, abs=3 * math.sqrt(0.1 * 0.9 / 4000))


@pytest.mark.long
def test_the_bound_is_broken_no_more_often_than_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a spectrum that is hard: a top eigenvalue hardly above a bulk, which most starts see more of."""
    monkeypatch.setattr(lanczos, "FAILURE_PROBABILITY", 0.1)
    spectrum = torch.cat([torch.linspace(-1, 1, 300, dtype=torch.float64), torch.tensor([1.1], dtype=torch.float64)])
    found = [found_of(lambda v: spectrum * v, random_start(301, seed, CPU), 0.05, DOUBLE) for seed in range(400)]
    broken = sum(one.largest_bound < 1.1 for one in found)
    assert 0 < broken <= 0.1 * 400 + 2 * math.sqrt(0.1 * 0.9 * 400)


def test_copies_of_eigenvalues_found_already_do_no_harm() -> None:
    """Far beyond the step at which the vectors are no longer orthogonal."""
    spectrum = torch.cat([torch.linspace(0, 1, 2000, dtype=torch.float64), torch.tensor([1.001, 50.0])])
    found = found_of(
        lambda v: spectrum - 0 * v if v is None else spectrum * v, random_start(2002, 1, CPU), 1e-15, DOUBLE
    )
    assert found.largest == pytest.approx(50.0, rel=1e-12)
    assert found.lowest_bound <= 0.0 <= found.lowest


def test_without_curvature_it_is_zero() -> None:
    found = found_of(lambda v: 0 * v, random_start(9, 0, CPU), 0.01, DOUBLE)
    assert (found.largest, found.lowest, found.num_products) == (0.0, 0.0, 1)
    found = extremes(matrix([-3.0] + [0.0] * 20), 0.01)
    assert found.largest == pytest.approx(0.0, abs=1e-12)
    assert found.lowest == pytest.approx(-3.0)


def test_a_single_parameter_takes_one_product() -> None:
    found = extremes(torch.tensor([[-2.0]], dtype=torch.float64), 0.01)
    assert (found.largest, found.lowest, found.num_products) == (-2.0, -2.0, 1)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
@pytest.mark.parametrize("call", [1, 4])
def test_a_product_that_overflows_makes_it_infinite(bad: float, call: int) -> None:
    hessian, calls = matrix([-1.0 + 0.1 * i for i in range(30)]), []

    def product(v: torch.Tensor) -> torch.Tensor:
        calls.append(v)
        return v @ hessian * (bad if len(calls) == call else 1.0)

    found = found_of(product, random_start(30, 0, CPU), 1e-9, DOUBLE)
    assert (found.largest, found.largest_bound, found.num_products) == (math.inf, math.inf, call)
    assert found.reason == "the Hessian-vector product overflows"


def test_what_does_not_converge_is_nan_and_keeps_its_bounds() -> None:
    spectrum = torch.linspace(-1e6, 1.0, 3000, dtype=torch.float64)
    found = found_of(lambda v: spectrum * v, random_start(3000, 0, CPU), 1e-9, DOUBLE)
    assert math.isnan(found.largest)
    assert found.num_products == MAX_PRODUCTS
    assert found.reason == f"not known to 1e-09 after {MAX_PRODUCTS} products"
    assert found.largest_bound >= 1.0
    assert found.lowest_bound <= -1e6 <= found.lowest


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_a_product_that_is_not_symmetric_ends_it_with_a_reason(share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(30, 30, generator=generator, dtype=torch.float64)
    found = extremes(matrix([-1.0 + 0.1 * i for i in range(30)]) + share * (noise - noise.T), 1e-9)
    assert math.isnan(found.largest)
    assert math.isnan(found.largest_bound)
    assert found.num_products < 10
    assert found.reason is not None
    assert "not symmetric" in found.reason
