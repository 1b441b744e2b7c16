# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _roc_result(NamedTuple):
    result: Any
    curve: list[dict[str, Any]]
    figure: Image

def roc(
    table: Sequence[dict[str, Any]] | Path,
    *,
    score: str = 'score',
    label: str = 'label',
    positive: str = '1',
    second: str = '',
    confidence: float = 0.95,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _roc_result:
    """Measures how well a score tells two classes apart: ROC curve, its area with DeLong's interval, and the comparison of two scores."""

class _survival_result(NamedTuple):
    result: Any
    curves: list[dict[str, Any]]
    figure: Image

def survival(
    table: Sequence[dict[str, Any]] | Path,
    *,
    time: str = 'time',
    event: str = 'event',
    group: str = '',
    covariates: str = '',
    confidence: float = 0.95,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _survival_result:
    """Estimates survival with Kaplan-Meier curves, compares groups by the log-rank test and models covariates by Cox's regression."""

class _association_result(NamedTuple):
    associations: list[dict[str, Any]]
    result: Any
    figure: Image

def association(
    features: Sequence[dict[str, Any]] | Path,
    variables: Sequence[dict[str, Any]] | Path,
    *,
    key: str = 'id',
    method: Literal['pearson', 'spearman'] = 'spearman',
    false_discovery_rate: float = 0.05,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _association_result:
    """Finds which columns of one table go with which of another: correlations with the false discovery rate held."""
