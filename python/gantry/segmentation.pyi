# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def threshold(
    image: NDArray[Any],
    *,
    lower: float | None = None,
    upper: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Labels the voxels between two values."""

@overload
def threshold(
    image: ImageLike,
    *,
    lower: float | None = None,
    upper: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Labels:
    """Labels the voxels between two values."""

class _otsu_arrays(NamedTuple):
    labels: NDArray[Any]
    threshold: Any

class _otsu_result(NamedTuple):
    labels: Labels
    threshold: Any

@overload
def otsu(
    image: NDArray[Any],
    *,
    bins: int = 256,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _otsu_arrays:
    """Separates an image into two classes at the value that separates them best."""

@overload
def otsu(
    image: ImageLike,
    *,
    bins: int = 256,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _otsu_result:
    """Separates an image into two classes at the value that separates them best."""

class _connected_components_arrays(NamedTuple):
    labels: NDArray[Any]
    components: list[dict[str, Any]]

class _connected_components_result(NamedTuple):
    labels: Labels
    components: list[dict[str, Any]]

@overload
def connected_components(
    mask: NDArray[Any],
    *,
    connectivity: Literal['faces', 'edges', 'corners'] = 'corners',
    minimum_volume: float = 0.0,
    keep: int = 0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _connected_components_arrays:
    """Numbers the connected parts of a mask, the largest first."""

@overload
def connected_components(
    mask: ImageLike,
    *,
    connectivity: Literal['faces', 'edges', 'corners'] = 'corners',
    minimum_volume: float = 0.0,
    keep: int = 0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _connected_components_result:
    """Numbers the connected parts of a mask, the largest first."""

def compare(
    a: ImageLike,
    b: ImageLike,
    *,
    tolerance: float = 1.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Measures how well two label images agree, label by label."""
