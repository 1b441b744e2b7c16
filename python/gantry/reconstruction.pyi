# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def fbp(
    projections: NDArray[Any],
    angles: NDArray[Any] | None = None,
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    filter: Literal['ram_lak', 'shepp_logan', 'cosine', 'hamming', 'hann', 'none'] = 'ram_lak',
    centre: float | None = None,
    find_centre: bool = False,
    size: int = 0,
    pixel: float = 0.0,
    unit: Literal['attenuation', 'hu'] = 'attenuation',
    water: float = 0.0193,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Reconstructs slices from parallel or fan-beam projections by filtered back-projection."""

@overload
def fbp(
    projections: ImageLike,
    angles: ImageLike | None = None,
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    filter: Literal['ram_lak', 'shepp_logan', 'cosine', 'hamming', 'hann', 'none'] = 'ram_lak',
    centre: float | None = None,
    find_centre: bool = False,
    size: int = 0,
    pixel: float = 0.0,
    unit: Literal['attenuation', 'hu'] = 'attenuation',
    water: float = 0.0193,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Reconstructs slices from parallel or fan-beam projections by filtered back-projection."""

@overload
def osem(
    projections: NDArray[Any],
    angles: NDArray[Any] | None = None,
    attenuation: NDArray[Any] | None = None,
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    centre: float | None = None,
    size: int = 0,
    pixel: float = 0.0,
    subsets: int = 1,
    iterations: int = 10,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Reconstructs activity from counts by ordered-subset expectation maximisation, with attenuation."""

@overload
def osem(
    projections: ImageLike,
    angles: ImageLike | None = None,
    attenuation: ImageLike | None = None,
    *,
    scan_shape: Literal['parallel', 'fan'] = 'parallel',
    scan_first_angle: float = 0.0,
    scan_angle_range: float = 180.0,
    scan_source_distance: float = 500.0,
    scan_detector_distance: float = 500.0,
    centre: float | None = None,
    size: int = 0,
    pixel: float = 0.0,
    subsets: int = 1,
    iterations: int = 10,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Reconstructs activity from counts by ordered-subset expectation maximisation, with attenuation."""

def mr(
    kspace: Value | Path,
    *,
    oversampling: float | None = None,
    enlarge: int = 1,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Reconstructs images from the raw data of a Cartesian MR scan: Fourier transform, root of the sum of squares of the coils."""

@overload
def beamform(
    echoes: NDArray[Any],
    *,
    angle_range: float = 0.0,
    f_number: float = 1.5,
    window: Literal['rectangle', 'hann'] = 'rectangle',
    pixel: float = 0.0,
    first_depth: float = 0.0,
    last_depth: float = 0.0,
    scale: Literal['envelope', 'decibel'] = 'envelope',
    dynamic_range: float = 60.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Forms an ultrasound image out of the echoes of plane waves by delay and sum."""

@overload
def beamform(
    echoes: ImageLike,
    *,
    angle_range: float = 0.0,
    f_number: float = 1.5,
    window: Literal['rectangle', 'hann'] = 'rectangle',
    pixel: float = 0.0,
    first_depth: float = 0.0,
    last_depth: float = 0.0,
    scale: Literal['envelope', 'decibel'] = 'envelope',
    dynamic_range: float = 60.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Forms an ultrasound image out of the echoes of plane waves by delay and sum."""
