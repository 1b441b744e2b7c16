# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

# generated: begin
from . import filter as filter
from . import segmentation as segmentation
from . import visualization as visualization
from . import radiomics as radiomics
from . import quality as quality
from . import radiotherapy as radiotherapy
from . import registration as registration
from . import reconstruction as reconstruction
from . import simulation as simulation
from . import generation as generation
from . import compression as compression
from . import report as report
from . import video as video
from . import retrieval as retrieval
from . import annotation as annotation
from . import statistics as statistics
# generated: end

__version__: str

Path = str | os.PathLike[str]
Progress = Callable[[float, str], object]
Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
# Besides Image: an image of SimpleITK or nibabel, or a reference.
ImageLike = Image | Labels | Path | Any
LabelsLike = Labels | Image | Path | Any

class Image:
    """An immutable image on a grid in LPS millimetres; shares the memory of a contiguous array that it is made of."""

    def __init__(
        self,
        array: ArrayLike,
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        origin: Sequence[float] = (0.0, 0.0, 0.0),
        direction: Sequence[Sequence[float]] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    ) -> None: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    @property
    def array(self) -> NDArray[Any]:
        """The voxels as a read-only NumPy array (z, y, x[, component]), without a copy."""
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype_name(self) -> str: ...
    @property
    def components(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def spacing_mm(self) -> Vector: ...
    @property
    def origin(self) -> Vector: ...
    @property
    def direction(self) -> Matrix: ...
    @property
    def affine(self) -> tuple[tuple[float, float, float, float], ...]: ...
    @property
    def slice_positions_mm(self) -> list[float]: ...
    @property
    def orientation(self) -> str: ...
    def frame(self, index: int) -> Image: ...

class Labels:
    """An integer image and what its values mean."""

    def __init__(self, image: Image, table: Sequence[Mapping[str, Any]] = ...) -> None: ...
    @property
    def image(self) -> Image: ...
    @property
    def array(self) -> NDArray[Any]: ...
    @property
    def table(self) -> list[dict[str, Any]]: ...

class Transform:
    """A map of points in LPS mm: x -> linear x + translation_mm, then the displacement field where there is one."""

    def __init__(
        self, linear: Sequence[Sequence[float]] = ..., translation_mm: Sequence[float] = (0.0, 0.0, 0.0), displacement_mm: Image | None = None
    ) -> None: ...
    @property
    def linear(self) -> Matrix: ...
    @property
    def translation_mm(self) -> Vector: ...
    @property
    def displacement_mm(self) -> Image | None: ...
    def __call__(self, point: Sequence[float]) -> Vector: ...

class Value:
    """A value of a type that has no Python form of its own."""

    @property
    def type(self) -> str: ...
    @property
    def digest(self) -> str: ...

class GantryWarning(UserWarning): ...

class Error(Exception):
    code: str
    exit_status: int
    message: str
    context: Sequence[str]

class UsageError(Error, TypeError, ValueError): ...
class ParameterError(Error, ValueError): ...
class NotFoundError(Error, FileNotFoundError): ...
class UnreadableError(Error, ValueError): ...
class RefusedError(Error, ValueError): ...
class NotPossibleError(Error, RuntimeError): ...
class OutOfMemoryError(Error, MemoryError): ...
class DiskFullError(Error, OSError): ...
class TimeLimitError(Error, TimeoutError): ...
class PeerError(Error, ConnectionError): ...
class NotPermittedError(Error, PermissionError): ...
class CancelledError(Error): ...
class InternalError(Error, RuntimeError): ...

def operations() -> list[str]:
    """Ids of all operations, in the order of the catalogue."""

def from_array(
    array: ArrayLike, spacing_mm: Sequence[float] = ..., origin: Sequence[float] = ..., direction: Sequence[Sequence[float]] = ...
) -> Image:
    """An Image of an array; shares the memory where the layout allows it."""

def from_simpleitk(image: Any) -> Image:
    """An Image of a SimpleITK image; shares its memory."""

def to_simpleitk(image: Image | Labels) -> Any:
    """A SimpleITK image; SimpleITK copies the voxels."""

def from_nibabel(image: Any) -> Image:
    """An Image of a nibabel image (RAS becomes LPS); shares the memory of arrays in Fortran order."""

def to_nibabel(image: Image | Labels) -> Any:
    """A nibabel Nifti1Image, without a copy of the voxels."""

def read(
    reference: Path,
    type: Literal["image", "labels", "transform", "table", "json"] = "image",
    *,
    series_uid: str | None = None,
    stored: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Reads a file or folder of any kind that Gantry reads, or "phantom:NAME"."""

def read_labels(reference: Path) -> Labels:
    """Reads a label image and its table."""

def write(path: Path, value: Any) -> None:
    """Writes an image, labels, transform, table, dict or text, atomically, by the ending of `path`."""

def analyze(
    studies: Path | Sequence[Path],
    output: Path | None = None,
    *,
    profile: str = "",
    modality: str = "",
    language: str = "en",
    cache: Path | None = None,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Analyses imaging studies; returns the content of summary.json."""
