# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

def negation(
    table: Sequence[dict[str, Any]] | Path,
    *,
    concept_column: str = 'concept',
    sentence_column: str = 'sentence',
    language: Literal['auto', 'en', 'zh'] = 'auto',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Any:
    """Tells whether sentences of reports, English or Chinese, affirm or negate a concept."""

def text(
    summary: Any,
    *,
    language: Literal['summary', 'en', 'zh'] = 'summary',
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> str:
    """Writes report text out of the findings of an analysis, in English or Chinese."""
