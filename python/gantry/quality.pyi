# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _compare_arrays(NamedTuple):
    result: Any
    map: NDArray[Any]

class _compare_result(NamedTuple):
    result: Any
    map: Image

@overload
def compare(
    reference: NDArray[Any],
    image: NDArray[Any],
    *,
    range: float | None = None,
    window: Literal['uniform', 'gaussian'] = 'uniform',
    slices: bool = False,
    sample_covariance: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _compare_arrays:
    """Measures how far an image is from a reference: errors, PSNR, structural similarity and correlation."""

@overload
def compare(
    reference: ImageLike,
    image: ImageLike,
    *,
    range: float | None = None,
    window: Literal['uniform', 'gaussian'] = 'uniform',
    slices: bool = False,
    sample_covariance: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _compare_result:
    """Measures how far an image is from a reference: errors, PSNR, structural similarity and correlation."""

class _study_arrays(NamedTuple):
    result: Any
    table: list[dict[str, Any]]
    slices: list[dict[str, Any]]
    figure: NDArray[Any]

class _study_result(NamedTuple):
    result: Any
    table: list[dict[str, Any]]
    slices: list[dict[str, Any]]
    figure: Image

@overload
def study(
    image: NDArray[Any],
    *,
    modality: Literal['other', 'ct', 'mr', 'pet'] = 'other',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _study_arrays:
    """Measures how good an image is without a reference: noise, contrast, sharpness, ghosts, slices, clipping, truncation."""

@overload
def study(
    image: ImageLike,
    *,
    modality: Literal['other', 'ct', 'mr', 'pet'] = 'other',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _study_result:
    """Measures how good an image is without a reference: noise, contrast, sharpness, ghosts, slices, clipping, truncation."""
