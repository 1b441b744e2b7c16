# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value

class _recompress_result(NamedTuple):
    recompressed: Value
    report: Any

def recompress(
    objects: Value | Path,
    *,
    coding: Literal['jpeg_ls', 'jpeg_2000', 'htj2k'] = 'jpeg_ls',
    smaller_only: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> _recompress_result:
    """Codes the pixels of DICOM objects without loss, verified bit for bit, and keeps the rest of them."""
