# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _dvh_arrays(NamedTuple):
    result: Any
    curves: list[dict[str, Any]]
    figure: NDArray[Any]

class _dvh_result(NamedTuple):
    result: Any
    curves: list[dict[str, Any]]
    figure: Image

@overload
def dvh(
    dose: NDArray[Any],
    structures: Value | Path,
    *,
    regions: str = '',
    bin: float = 0.01,
    dose_at: Sequence[float] = (2.0, 50.0, 95.0, 98.0),
    volume_at: Sequence[float] = (),
    step: float = 0.0,
    end_caps: Literal['half', 'none'] = 'half',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _dvh_arrays:
    """Measures the dose in contoured regions: cumulative dose-volume histograms with volume, mean, D and V values."""

@overload
def dvh(
    dose: ImageLike,
    structures: Value | Path,
    *,
    regions: str = '',
    bin: float = 0.01,
    dose_at: Sequence[float] = (2.0, 50.0, 95.0, 98.0),
    volume_at: Sequence[float] = (),
    step: float = 0.0,
    end_caps: Literal['half', 'none'] = 'half',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _dvh_result:
    """Measures the dose in contoured regions: cumulative dose-volume histograms with volume, mean, D and V values."""

class _gamma_arrays(NamedTuple):
    result: Any
    map: NDArray[Any]
    figure: NDArray[Any]

class _gamma_result(NamedTuple):
    result: Any
    map: Image
    figure: Image

@overload
def gamma(
    reference: NDArray[Any],
    evaluated: NDArray[Any],
    *,
    dose_percent: float = 3.0,
    distance_mm: float = 3.0,
    threshold_percent: float = 10.0,
    local: bool = False,
    normalization: float | None = None,
    maximum: float = 2.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _gamma_arrays:
    """Compares an evaluated dose with a reference by the gamma index: dose difference and distance to agreement in one number."""

@overload
def gamma(
    reference: ImageLike,
    evaluated: ImageLike,
    *,
    dose_percent: float = 3.0,
    distance_mm: float = 3.0,
    threshold_percent: float = 10.0,
    local: bool = False,
    normalization: float | None = None,
    maximum: float = 2.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _gamma_result:
    """Compares an evaluated dose with a reference by the gamma index: dose difference and distance to agreement in one number."""
