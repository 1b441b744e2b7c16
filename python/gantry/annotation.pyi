# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _versions_arrays(NamedTuple):
    history: Any
    table: list[dict[str, Any]]
    figure: NDArray[Any] | None

class _versions_result(NamedTuple):
    history: Any
    table: list[dict[str, Any]]
    figure: Image | None

@overload
def versions(
    objects: Value | Path,
    image: NDArray[Any] | None = None,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _versions_arrays:
    """Orders DICOM segmentations as versions of annotations, and says who made each and what it changed."""

@overload
def versions(
    objects: Value | Path,
    image: ImageLike | None = None,
    *,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _versions_result:
    """Orders DICOM segmentations as versions of annotations, and says who made each and what it changed."""

class _agreement_arrays(NamedTuple):
    agreement: Any
    consensus: NDArray[Any]

class _agreement_result(NamedTuple):
    agreement: Any
    consensus: Image

@overload
def agreement(
    raters: Sequence[NDArray[Any]],
    region: NDArray[Any] | None = None,
    *,
    rule: Literal['majority', 'staple'] = 'majority',
    tolerance: float = 1.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _agreement_arrays:
    """Measures how well two or more raters agree who labelled the same image, and makes their consensus."""

@overload
def agreement(
    raters: Sequence[ImageLike],
    region: LabelsLike | None = None,
    *,
    rule: Literal['majority', 'staple'] = 'majority',
    tolerance: float = 1.0,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _agreement_result:
    """Measures how well two or more raters agree who labelled the same image, and makes their consensus."""
