# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _read_result(NamedTuple):
    frames: Image
    info: Any
    figure: Image

def read(
    video: Value | Path,
    *,
    first: int = 0,
    count: int = 0,
    step: int = 1,
    grey: bool = False,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _read_result:
    """Reads the frames of a video and when they were taken: DICOM of several frames, and video files through ffmpeg."""

class _track_result(NamedTuple):
    tracks: list[dict[str, Any]]
    summary: Any
    figure: Image

def track(
    video: Value | Path,
    points: Value | Path | None = None,
    *,
    window: int = 21,
    levels: int = 3,
    count: int = 30,
    min_correlation: float = 0.7,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _track_result:
    """Follows points through a video by the pattern around them: speckle, tissue, instruments."""
