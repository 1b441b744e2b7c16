# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _rigid_arrays(NamedTuple):
    registered: NDArray[Any]
    transform: Transform
    report: Any

class _rigid_result(NamedTuple):
    registered: Image
    transform: Transform
    report: Any

@overload
def rigid(
    fixed: NDArray[Any],
    moving: NDArray[Any],
    fixed_mask: NDArray[Any] | None = None,
    moving_mask: NDArray[Any] | None = None,
    initial: Transform | Path | None = None,
    *,
    finest: float = 1.0,
    samples: int = 200000,
    far: bool = True,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _rigid_arrays:
    """Brings a moving volume into place by a rotation and a shift: highest mutual information, of the same or another modality."""

@overload
def rigid(
    fixed: ImageLike,
    moving: ImageLike,
    fixed_mask: LabelsLike | None = None,
    moving_mask: LabelsLike | None = None,
    initial: Transform | Path | None = None,
    *,
    finest: float = 1.0,
    samples: int = 200000,
    far: bool = True,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _rigid_result:
    """Brings a moving volume into place by a rotation and a shift: highest mutual information, of the same or another modality."""

class _bspline_arrays(NamedTuple):
    registered: NDArray[Any]
    transform: Transform
    report: Any
    figure: NDArray[Any]

class _bspline_result(NamedTuple):
    registered: Image
    transform: Transform
    report: Any
    figure: Image

@overload
def bspline(
    fixed: NDArray[Any],
    moving: NDArray[Any],
    fixed_mask: NDArray[Any] | None = None,
    moving_mask: NDArray[Any] | None = None,
    initial: Transform | Path | None = None,
    *,
    spacing: float = 8.0,
    finest: float | None = None,
    bending: float = 3.0,
    iterations: int = 40,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _bspline_arrays:
    """Brings a moving volume into place by a smooth deformation: highest local correlation, after rigid and affine steps."""

@overload
def bspline(
    fixed: ImageLike,
    moving: ImageLike,
    fixed_mask: LabelsLike | None = None,
    moving_mask: LabelsLike | None = None,
    initial: Transform | Path | None = None,
    *,
    spacing: float = 8.0,
    finest: float | None = None,
    bending: float = 3.0,
    iterations: int = 40,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _bspline_result:
    """Brings a moving volume into place by a smooth deformation: highest local correlation, after rigid and affine steps."""

@overload
def apply(
    moving: NDArray[Any],
    transform: Transform | Path,
    reference: NDArray[Any],
    *,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Brings an image or labels to the grid of a reference by a transform."""

@overload
def apply(
    moving: ImageLike,
    transform: Transform | Path,
    reference: ImageLike,
    *,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Brings an image or labels to the grid of a reference by a transform."""

def apply_points(
    points: Value | Path,
    transform: Transform | Path,
    *,
    inverse: bool = False,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Value:
    """Takes points through a transform, or back through its inverse."""
