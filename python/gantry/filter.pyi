# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def gaussian(
    image: NDArray[Any],
    *,
    sigma: float = 1.0,
    border: Literal['mirror', 'nearest', 'zero'] = 'mirror',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Smooths with a Gaussian of the given width."""

@overload
def gaussian(
    image: ImageLike,
    *,
    sigma: float = 1.0,
    border: Literal['mirror', 'nearest', 'zero'] = 'mirror',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Smooths with a Gaussian of the given width."""

@overload
def median(
    image: NDArray[Any],
    *,
    radius: int = 1,
    border: Literal['mirror', 'nearest', 'zero'] = 'mirror',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Replaces each voxel by the median of the cube around it."""

@overload
def median(
    image: ImageLike,
    *,
    radius: int = 1,
    border: Literal['mirror', 'nearest', 'zero'] = 'mirror',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Replaces each voxel by the median of the cube around it."""

class _nlm_arrays(NamedTuple):
    filtered: NDArray[Any]
    result: Any

class _nlm_result(NamedTuple):
    filtered: Image
    result: Any

@overload
def nlm(
    image: NDArray[Any],
    *,
    sigma: float | None = None,
    strength: float = 0.6,
    patch_radius: int = 1,
    search_radius: int = 5,
    noise: Literal['gaussian', 'rician'] = 'gaussian',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _nlm_arrays:
    """Removes noise by non-local means: averages voxels whose surroundings look alike, so that edges stay."""

@overload
def nlm(
    image: ImageLike,
    *,
    sigma: float | None = None,
    strength: float = 0.6,
    patch_radius: int = 1,
    search_radius: int = 5,
    noise: Literal['gaussian', 'rician'] = 'gaussian',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _nlm_result:
    """Removes noise by non-local means: averages voxels whose surroundings look alike, so that edges stay."""

class _n4_arrays(NamedTuple):
    corrected: NDArray[Any]
    field: NDArray[Any]
    result: Any

class _n4_result(NamedTuple):
    corrected: Image
    field: Image
    result: Any

@overload
def n4(
    image: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    levels: int = 4,
    iterations: int = 50,
    convergence: float = 0.001,
    working_spacing: float = 4.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _n4_arrays:
    """Takes the smooth brightness field of coils off an MR image (N4)."""

@overload
def n4(
    image: ImageLike,
    mask: LabelsLike | None = None,
    *,
    levels: int = 4,
    iterations: int = 50,
    convergence: float = 0.001,
    working_spacing: float = 4.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _n4_result:
    """Takes the smooth brightness field of coils off an MR image (N4)."""

@overload
def resample(
    image: NDArray[Any],
    reference: NDArray[Any] | None = None,
    *,
    spacing: Sequence[float] | None = None,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Brings an image to another spacing or to the grid of another image."""

@overload
def resample(
    image: ImageLike,
    reference: ImageLike | None = None,
    *,
    spacing: Sequence[float] | None = None,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Brings an image to another spacing or to the grid of another image."""

@overload
def distance(
    mask: NDArray[Any],
    *,
    side: Literal['outside', 'inside', 'both'] = 'outside',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Measures the distance of every voxel to a mask."""

@overload
def distance(
    mask: ImageLike,
    *,
    side: Literal['outside', 'inside', 'both'] = 'outside',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Measures the distance of every voxel to a mask."""

@overload
def morphology(
    mask: NDArray[Any],
    *,
    action: Literal['dilate', 'erode', 'open', 'close', 'fill_holes'] = 'dilate',
    radius: float = 1.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Grows, shrinks, opens or closes a mask by a ball, or fills its holes."""

@overload
def morphology(
    mask: ImageLike,
    *,
    action: Literal['dilate', 'erode', 'open', 'close', 'fill_holes'] = 'dilate',
    radius: float = 1.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Grows, shrinks, opens or closes a mask by a ball, or fills its holes."""
