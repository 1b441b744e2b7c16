# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

@overload
def denoise(
    image: NDArray[Any],
    *,
    model: str = 'pet_denoising',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]:
    """Takes noise off an image, by a network that was trained on simulated pairs."""

@overload
def denoise(
    image: ImageLike,
    *,
    model: str = 'pet_denoising',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Image:
    """Takes noise off an image, by a network that was trained on simulated pairs."""
