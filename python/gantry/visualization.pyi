# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def mip(
    image: NDArray[Any],
    *,
    method: Literal['maximum', 'minimum', 'mean'] = 'maximum',
    plane: Literal['axial', 'coronal', 'sagittal'] = 'coronal',
    angle: float = 0.0,
    slab: float = 0.0,
    position: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Projects a volume on a plane: maximum, minimum or mean along each line of sight."""

@overload
def mip(
    image: ImageLike,
    *,
    method: Literal['maximum', 'minimum', 'mean'] = 'maximum',
    plane: Literal['axial', 'coronal', 'sagittal'] = 'coronal',
    angle: float = 0.0,
    slab: float = 0.0,
    position: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Projects a volume on a plane: maximum, minimum or mean along each line of sight."""

@overload
def overlay(
    image: NDArray[Any],
    labels: NDArray[Any],
    *,
    plane: Literal['axial', 'coronal', 'sagittal'] = 'axial',
    slices: int = 1,
    position: float | None = None,
    centre: float | None = None,
    width: float | None = None,
    outline: float = 2.0,
    fill: float = 0.18,
    crop: bool = True,
    annotations: bool = True,
    pixels: int = 760,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Draws slices with the outlines of labels, as a picture."""

@overload
def overlay(
    image: ImageLike,
    labels: LabelsLike,
    *,
    plane: Literal['axial', 'coronal', 'sagittal'] = 'axial',
    slices: int = 1,
    position: float | None = None,
    centre: float | None = None,
    width: float | None = None,
    outline: float = 2.0,
    fill: float = 0.18,
    crop: bool = True,
    annotations: bool = True,
    pixels: int = 760,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Draws slices with the outlines of labels, as a picture."""

@overload
def reformat(
    image: NDArray[Any],
    *,
    plane: Literal['axial', 'coronal', 'sagittal', 'oblique'] = 'axial',
    normal: Sequence[float] = (0.0, 0.0, 1.0),
    spacing: float = 0.0,
    slice_spacing: float = 0.0,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Samples a volume on a stack of axial, coronal, sagittal or oblique planes."""

@overload
def reformat(
    image: ImageLike,
    *,
    plane: Literal['axial', 'coronal', 'sagittal', 'oblique'] = 'axial',
    normal: Sequence[float] = (0.0, 0.0, 1.0),
    spacing: float = 0.0,
    slice_spacing: float = 0.0,
    interpolation: Literal['nearest', 'linear', 'cubic'] = 'linear',
    outside: float | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Samples a volume on a stack of axial, coronal, sagittal or oblique planes."""
