# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def project(
    image: NDArray[Any],
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    views: int = 360,
    columns: int = 0,
    element: float = 0.0,
    unit: Literal['attenuation', 'hu'] = 'hu',
    water: float = 0.0193,
    photons: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Takes parallel or fan-beam projections of a volume, with Poisson noise."""

@overload
def project(
    image: ImageLike,
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    views: int = 360,
    columns: int = 0,
    element: float = 0.0,
    unit: Literal['attenuation', 'hu'] = 'hu',
    water: float = 0.0193,
    photons: float = 0.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Takes parallel or fan-beam projections of a volume, with Poisson noise."""

@overload
def ultrasound(
    tissue: NDArray[Any],
    targets: Value | Path | None = None,
    *,
    elements: int = 128,
    pitch: float = 0.3,
    frequency: float = 5.0,
    bandwidth: float = 0.6,
    sound_speed: float = 1540.0,
    transmits: int = 1,
    angle_range: float = 0.0,
    density: float = 100.0,
    target_strength: float = 3.0,
    directivity: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Simulates the echoes of plane waves in tissue, as a linear array receives them."""

@overload
def ultrasound(
    tissue: ImageLike,
    targets: Value | Path | None = None,
    *,
    elements: int = 128,
    pitch: float = 0.3,
    frequency: float = 5.0,
    bandwidth: float = 0.6,
    sound_speed: float = 1540.0,
    transmits: int = 1,
    angle_range: float = 0.0,
    density: float = 100.0,
    target_strength: float = 3.0,
    directivity: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Simulates the echoes of plane waves in tissue, as a linear array receives them."""
