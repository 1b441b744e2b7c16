# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Images of SimpleITK (LPS) and nibabel (RAS) to and from gantry.Image."""
from . import _native
from ._work import from_array


def from_simpleitk(image):
    """An Image of a SimpleITK image of 2, 3 or 4 (time) dimensions; shares its memory, so do not write to it meanwhile."""
    import numpy
    import SimpleITK

    dimension = image.GetDimension()
    if dimension not in (2, 3, 4):
        _native.fail("usage", f"image: must have 2, 3 or 4 dimensions; got {dimension}")
    array = SimpleITK.GetArrayViewFromImage(image)
    if dimension == 4 and image.GetNumberOfComponentsPerPixel() == 1:
        array = array[..., numpy.newaxis]
    spacing, origin = (*image.GetSpacing(), 1.0)[:3], (*image.GetOrigin(), 0.0)[:3]
    direction = numpy.eye(3)
    shown = min(dimension, 3)
    direction[:shown, :shown] = numpy.reshape(image.GetDirection(), (dimension, dimension))[:shown, :shown]
    if dimension == 2 and array.ndim == 3:
        array = array[numpy.newaxis]
    return from_array(Owned(array, image), spacing, origin, direction)


class Owned:
    """An array that keeps the owner of its memory alive."""

    def __init__(self, array, owner):
        self.__array_interface__ = array.__array_interface__
        self.owner = owner


def to_simpleitk(image):
    """A SimpleITK image of an Image or Labels (SimpleITK copies the voxels)."""
    import SimpleITK

    image = image.image if isinstance(image, _native.Labels) else image
    array = image.array
    vector = image.components > 1
    made = SimpleITK.GetImageFromArray(array if vector or array.ndim == 3 else array[..., 0], isVector=vector)
    if image.frames == 1:
        made.SetSpacing(image.spacing_mm)
        made.SetOrigin(image.origin)
        made.SetDirection([value for row in image.direction for value in row])
        return made
    made.SetSpacing((*image.spacing_mm, 1.0))
    made.SetOrigin((*image.origin, 0.0))
    made.SetDirection([v for row in image.direction for v in (*row, 0.0)] + [0.0, 0.0, 0.0, 1.0])
    return made


def from_nibabel(image):
    """An Image of a nibabel image (RAS becomes LPS). Shares the memory of arrays in Fortran order, which is how nibabel keeps them."""
    import numpy

    array = numpy.asanyarray(image.dataobj)
    if array.ndim not in (2, 3, 4, 5):
        _native.fail("usage", f"image: must have 2 to 5 dimensions; got {array.ndim}")
    affine = numpy.asarray(image.affine, dtype=float)
    if affine.shape != (4, 4) or not numpy.isfinite(affine).all():
        _native.fail("parameter", "affine: must be 4 x 4 and finite")
    lps = numpy.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = numpy.linalg.norm(lps[:3, :3], axis=0)
    if not (spacing > 0).all():
        _native.fail("parameter", "affine: must have no column of zeros")
    # NIfTI's axes are (i, j, k, t, component).
    array = array.transpose()
    if array.ndim == 4:
        array = array[..., numpy.newaxis]
    elif array.ndim == 5:
        array = numpy.moveaxis(array, 0, -1)
    return from_array(array, spacing, lps[:3, 3], lps[:3, :3] / spacing)


def to_nibabel(image):
    """A nibabel Nifti1Image of an Image or Labels, without a copy of the voxels."""
    import nibabel
    import numpy

    image = image.image if isinstance(image, _native.Labels) else image
    array = image.array
    if image.components > 1:
        array = numpy.moveaxis(array, -1, 0)
        if image.frames == 1:
            array = array[:, numpy.newaxis]
    elif image.frames > 1:
        array = array[..., 0]
    affine = numpy.diag([-1.0, -1.0, 1.0, 1.0]) @ numpy.array(image.affine)
    made = nibabel.Nifti1Image(array.transpose(), affine)
    made.header.set_xyzt_units("mm", "sec")
    made.set_qform(affine, code=1)
    made.set_sform(affine, code=1)
    return made
