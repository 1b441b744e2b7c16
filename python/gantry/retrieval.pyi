# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _index_result(NamedTuple):
    index: Value
    info: Any

def index(
    pictures: Sequence[ImageLike],
    records: Sequence[dict[str, Any]] | Path | None = None,
    *,
    model: str = 'thumbnail',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _index_result:
    """Makes an index of pictures, such as chest films, in which similar ones are found."""

class _search_arrays(NamedTuple):
    matches: list[dict[str, Any]]
    summary: Any
    figure: NDArray[Any]

class _search_result(NamedTuple):
    matches: list[dict[str, Any]]
    summary: Any
    figure: Image

@overload
def search(
    index: Value | Path,
    queries: Sequence[NDArray[Any]],
    *,
    neighbours: int = 5,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _search_arrays:
    """Finds the pictures of an index that are most like others."""

@overload
def search(
    index: Value | Path,
    queries: Sequence[ImageLike],
    *,
    neighbours: int = 5,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _search_result:
    """Finds the pictures of an index that are most like others."""
