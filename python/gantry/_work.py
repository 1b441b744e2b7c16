# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Reading, writing, the main job, and the way of any image-like object into gantry.Image."""
import os

from . import _native


def library_of(value):
    """Name of the package whose class `value` is of."""
    return type(value).__module__.partition(".")[0]


def prepared(array):
    """`array` as one that an Image can share: contiguous, of a type that Gantry holds. Integers of 64 bits must fit into 32."""
    import numpy

    array = numpy.asarray(array)
    if array.dtype.kind == "b":
        array = array.view(numpy.uint8)
    elif array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        narrow = numpy.uint32 if high > 0x7FFFFFFF else numpy.int32
        if low < numpy.iinfo(narrow).min or high > numpy.iinfo(narrow).max:
            _native.fail("parameter", f"array: integers must fit into 32 bits; got {low} to {high}")
        array = array.astype(narrow)
    elif array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(numpy.float32 if array.dtype.itemsize == 2 else numpy.float64)
    elif array.dtype.kind == "c" and array.dtype.itemsize not in (8, 16):
        array = array.astype(numpy.complex128)
    elif array.dtype.kind not in "iufc":
        _native.fail("usage", f"array: must hold numbers; got {array.dtype}")
    return numpy.require(array, dtype=array.dtype.newbyteorder("="), requirements=("C", "A"))


def from_array(array, spacing_mm=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """An Image of anything that NumPy takes for an array, with axes (z, y, x[, component]) or (t, z, y, x, component).

    Shares the memory of contiguous arrays of integers up to 32 bits, floats and complex numbers; others are copied. Do not write to a shared
    array while the image is in use."""
    return _native.Image(prepared(array), spacing_mm, origin, direction)


def image_of(value):
    """`value` as what the native call takes: images of other libraries and arrays become Image; the rest stays as it is."""
    library = library_of(value)
    if library == "gantry" or isinstance(value, (str, os.PathLike)):
        return value
    if library in ("SimpleITK", "itk", "nibabel"):
        from . import _convert

        return _convert.from_simpleitk(value) if library == "SimpleITK" else _convert.from_nibabel(value)
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return from_array(value)
    return value


def is_array(value):
    """Whether results go back as arrays: `value` is one, not an image with a place in the world."""
    return library_of(value) not in ("gantry", "SimpleITK", "nibabel") and hasattr(value, "__array__")


def array_of(image, shared, two_dimensional):
    """A writable array of a result; a copy where the result shares the memory of something else."""
    import numpy

    array = numpy.array(image.array) if shared else numpy.asarray(_native.storage_of(image))
    return array[0] if two_dimensional and array.shape[0] == 1 else array


def read(reference, type="image", *, series_uid=None, stored=False, progress=None):
    """Reads what `reference` names: a file or folder of any kind that Gantry reads, or "phantom:NAME".

    `type` is image, labels, transform, table, json, contours, points or text. Of several DICOM series `series_uid` chooses one; `stored` gives stored values without
    rescale."""
    return _native.read(reference, type, series_uid, stored, progress)


def read_labels(reference):
    """Reads a label image, with the table of the .json file beside it where there is one."""
    return _native.read(reference, "labels", None, False, None)


def write(path, value):
    """Writes an image, labels, transform, table (list of dicts), dict or text, atomically; the ending of `path` chooses the format."""
    _native.write(path, image_of(value))


def analyze(studies, output=None, *, profile="", modality="", language="en", cache=None, threads=None, memory=None, progress=None):
    """The main job: analyses imaging studies and returns the content of summary.json as a dict.

    `studies`: a path or a list of paths: files, folders of DICOM, DICOMDIR, zip, or NIfTI, NRRD, MetaImage volumes (`modality` says what those
    are: CT, MR or PT). `output`: folder for report, masks, figures and DICOM objects, as of `gantry analyze`; None keeps the summary alone.
    `cache`: folder of intermediate results, "off", or None for the user's own."""
    if isinstance(studies, (str, os.PathLike)):
        studies = [studies]
    options = (profile or "", modality or "", language, cache, threads, memory, progress)
    if output is not None:
        return _native.analyze(list(studies), output, *options)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gantry-") as folder:
        return _native.analyze(list(studies), os.path.join(folder, "result"), *options)
