# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Gantry, a medical-imaging engine: `gantry.filter.gaussian(image, sigma=2.0)`, `gantry.analyze("study/", "result/")`.

Every operation of the catalogue is a function in the module of its family. Images are `gantry.Image` (LPS millimetres), NumPy arrays of
axes (z, y, x[, component]), images of SimpleITK or nibabel, or references: a path or "phantom:NAME". Arrays in give arrays out; everything
else in gives `gantry.Image` and `gantry.Labels`. Not a medical device."""
import sys as _sys

from . import _families, _native
from ._native import Error, GantryWarning, Image, Labels, Transform, Value
from ._work import analyze, from_array, read, read_labels, write

for _name in dir(_native):
    if _name.endswith("Error"):
        globals()[_name] = getattr(_native, _name)

for _family in _families.families():
    globals()[_family.__name__.rpartition(".")[2]] = _sys.modules[_family.__name__] = _family

__version__ = _native.version
__all__ = sorted(_n for _n in globals() if not _n.startswith("_"))


def operations():
    """Ids of all operations, such as 'filter.gaussian', in the order of the catalogue."""
    return [declaration["id"] for declaration in _native.declarations()]


def __getattr__(name):
    if name in ("from_simpleitk", "to_simpleitk", "from_nibabel", "to_nibabel"):
        from . import _convert

        return getattr(_convert, name)
    raise AttributeError(f"module 'gantry' has no attribute {name!r}")


def __dir__():
    return [*__all__, "__version__", "from_nibabel", "from_simpleitk", "operations", "to_nibabel", "to_simpleitk"]
