# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _extract_arrays(NamedTuple):
    features: Any
    table: list[dict[str, Any]]
    levels: NDArray[Any]
    figure: NDArray[Any]

class _extract_result(NamedTuple):
    features: Any
    table: list[dict[str, Any]]
    levels: Image
    figure: Image

@overload
def extract(
    image: NDArray[Any],
    mask: NDArray[Any],
    *,
    preset: Literal['none', 'ibsi-digital-phantom', 'ibsi-config-a', 'ibsi-config-b', 'ibsi-config-c', 'ibsi-config-d', 'ibsi-config-e', 'pyradiomics-default'] = 'none',
    label: int | None = None,
    spacing: Sequence[float] | None = None,
    interpolation: Literal['nearest', 'linear', 'cubic'] | None = None,
    round: bool | None = None,
    lowest: float | None = None,
    highest: float | None = None,
    outliers: float | None = None,
    bin_width: float | None = None,
    bins: int | None = None,
    ivh_bin_width: float | None = None,
    ivh_bins: int | None = None,
    dimensions: Literal['all', 'slices', 'volume'] | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _extract_arrays:
    """Measures all features of IBSI 1 of a region: shape, intensity, histograms and six families of texture."""

@overload
def extract(
    image: ImageLike,
    mask: ImageLike,
    *,
    preset: Literal['none', 'ibsi-digital-phantom', 'ibsi-config-a', 'ibsi-config-b', 'ibsi-config-c', 'ibsi-config-d', 'ibsi-config-e', 'pyradiomics-default'] = 'none',
    label: int | None = None,
    spacing: Sequence[float] | None = None,
    interpolation: Literal['nearest', 'linear', 'cubic'] | None = None,
    round: bool | None = None,
    lowest: float | None = None,
    highest: float | None = None,
    outliers: float | None = None,
    bin_width: float | None = None,
    bins: int | None = None,
    ivh_bin_width: float | None = None,
    ivh_bins: int | None = None,
    dimensions: Literal['all', 'slices', 'volume'] | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _extract_result:
    """Measures all features of IBSI 1 of a region: shape, intensity, histograms and six families of texture."""
