# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Rows of the suite `registration`: whole commands beside elastix on two threads, on a brain with a known turn and field and on two scans of a lung."""
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

COMMON = """(FixedInternalImagePixelType "float") (MovingInternalImagePixelType "float") (FixedImageDimension 3) (MovingImageDimension 3)
(Registration "MultiResolutionRegistration") (FixedImagePyramid "FixedRecursiveImagePyramid") (MovingImagePyramid "MovingRecursiveImagePyramid")
(Interpolator "BSplineInterpolator") (BSplineInterpolationOrder 1) (ResampleInterpolator "FinalBSplineInterpolator") (FinalBSplineInterpolationOrder 3)
(Resampler "DefaultResampler") (Metric "AdvancedMattesMutualInformation") (NumberOfHistogramBins 32) (Optimizer "AdaptiveStochasticGradientDescent")
(HowToCombineTransforms "Compose") (UseDirectionCosines "true") (ErodeMask "false") (NumberOfResolutions 4) (ImageSampler "Random")
(NumberOfSpatialSamples 2048) (NewSamplesEveryIteration "true") (DefaultPixelValue 0) (WriteResultImage "true") (ResultImageFormat "nii.gz") (RandomSeed 7)
"""
RIGID = COMMON + '(Transform "EulerTransform") (AutomaticScalesEstimation "true") (AutomaticTransformInitialization "true") (MaximumNumberOfIterations 250)\n'
SPLINE = COMMON + '(Transform "BSplineTransform") (FinalGridSpacingInPhysicalUnits {}) (MaximumNumberOfIterations 500)\n'


def parameters(path, text):
    """elastix reads one parameter a line."""
    path.write_text(text.replace(") (", ")\n("))
    return path


def brain_pair(volume, folder):
    """Fixed: a brain of 160^3. Moving: it turned by 5 degrees and shifted, with turned contrast; and with a smooth field of up to 5 mm along each axis."""
    from scipy import ndimage

    values = sitk.GetArrayFromImage(volume).astype(np.float32)
    values = ndimage.zoom(values / values.max() * 255, [160 / n for n in values.shape], order=1)[:160, :160, :160]
    z, y, x = np.indices(values.shape).astype(np.float32)
    middle, angle = 79.5, np.deg2rad(5)
    place = np.stack([z + 2, np.sin(angle) * (x - middle) + np.cos(angle) * (y - middle) + middle - 4, np.cos(angle) * (x - middle) - np.sin(angle) * (y - middle) + middle + 3])
    draw = np.random.default_rng(7)
    field = np.stack([ndimage.gaussian_filter(draw.standard_normal(values.shape).astype(np.float32), 12) for _ in range(3)])
    field *= 4 / np.abs(field).max(axis=(1, 2, 3), keepdims=True)
    turned = ndimage.map_coordinates(values, place, order=3)
    pictures = {"fixed": values, "turned": np.where(turned > 3, 255 - turned, turned), "bent": ndimage.map_coordinates(values, place + field, order=3)}
    for name, picture in pictures.items():
        image = sitk.GetImageFromArray(picture.astype(np.float32))
        image.SetSpacing((1.25,) * 3)
        sitk.WriteImage(image, str(folder / f"{name}.nii"))
    # Every 37th voxel of the moving brain that shows tissue: where it lies in both.
    there = np.flatnonzero(ndimage.map_coordinates(values, place + field, order=1).ravel() > 40)[::37]
    fixed_points = (place + field).reshape(3, -1)[:, there].T[:, ::-1] * 1.25
    moving_points = np.stack(np.unravel_index(there, values.shape), 1)[:, ::-1] * 1.25
    return fixed_points, moving_points


def write_points(path, points):
    path.write_text(f"point\n{len(points)}\n" + "".join("%.6f %.6f %.6f\n" % tuple(p) for p in points))


def rows(row, wall, gantry, data):
    peer = shutil.which("elastix")
    if not data:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        out = folder / "elastix"
        out.mkdir()
        rigid = parameters(folder / "rigid.txt", RIGID)
        fixed_points, moving_points = brain_pair(sitk.ReadImage(str(Path(data) / "registration/brain-46/test_vol.nii.gz")), folder)
        write_points(folder / "points.txt", fixed_points)

        def both(case, words, ours, theirs):
            command = ["elastix", "-threads", "2", "-out", str(out), *theirs]
            times = ([], [])
            for _ in range(3):
                times[0].append(wall(ours))
                if peer:
                    times[1].append(wall(command))
            middle = [statistics.median(values) if values else None for values in times]
            return row("registration", words, "wall", "s", *middle, "elastix" if peer else "", 3, ours, command if peer else "")

        fixed = str(folder / "fixed.nii")
        ours = [gantry, "registration", "rigid", fixed, str(folder / "turned.nii"), str(folder / "a.nii.gz"), "--transform", str(folder / "a.json"), "--threads", "2", "--cache", "off"]
        yield both("rigid", "rigid, brain 160^3, turned contrast", ours, ["-f", fixed, "-m", str(folder / "turned.nii"), "-p", str(rigid)])
        matrix = np.array(json.loads((folder / "a.json").read_text())["matrix"])
        angle = np.degrees(np.arccos((np.trace(matrix) - 1) / 2))
        theirs = None
        if peer:
            line = next(text for text in (out / "TransformParameters.0.txt").read_text().splitlines() if text.startswith("(TransformParameters"))
            theirs = abs(np.degrees(np.linalg.norm([float(word) for word in line.strip("()").split()[1:4]])) - 5)
        yield row("registration", "rigid, error of the angle of 5 degrees", "error", "deg", abs(angle - 5), theirs, "elastix" if peer else "", 1)

        ours = [gantry, "registration", "bspline", fixed, str(folder / "bent.nii"), str(folder / "b.nii.gz"), "--transform", str(folder / "b.nii"), "--threads", "2", "--cache", "off"]
        spline = parameters(folder / "spline.txt", SPLINE.format(12))
        yield both("bspline", "rigid and B-spline, brain 160^3, known field", ours, ["-f", fixed, "-m", str(folder / "bent.nii"), "-p", str(rigid), "-p", str(spline)])
        # The images of a NIfTI file without a direction lie along LPS with both axes turned: points in voxels are brought there.
        image = sitk.ReadImage(fixed)
        world = lambda points: np.array([image.TransformContinuousIndexToPhysicalPoint((p / 1.25).tolist()) for p in points])
        write_points(folder / "points.txt", world(fixed_points))
        wall([gantry, "registration", "apply-points", str(folder / "points.txt"), str(folder / "b.nii"), str(folder / "there.txt")])
        error = np.median(np.linalg.norm(np.loadtxt(folder / "there.txt", skiprows=2) - world(moving_points), axis=1))
        theirs = None
        if peer:
            wall(["transformix", "-def", str(folder / "points.txt"), "-tp", str(out / "TransformParameters.1.txt"), "-out", str(out)])
            found = [text.split("OutputPoint = [")[1].split("]")[0].split() for text in (out / "outputpoints.txt").read_text().splitlines()]
            theirs = np.median(np.linalg.norm(np.array(found, float) - world(moving_points), axis=1))
        yield row("registration", "B-spline, median error on the brain", "error", "mm", error, theirs, "elastix" if peer else "", 1)

        lung = Path(data) / "registration/lung-ct"
        pair = [str(lung / f"3DCT_lung_{name}.mha") for name in ("baseline", "followup")]
        ours = [gantry, "registration", "bspline", *pair, str(folder / "c.nii.gz"), "--transform", str(folder / "c.nii"), "--threads", "2", "--cache", "off"]
        affine = parameters(folder / "affine.txt", RIGID.replace("EulerTransform", "AffineTransform"))
        spline = parameters(folder / "lung.txt", SPLINE.format(10).replace("AdvancedMattesMutualInformation", "AdvancedNormalizedCorrelation"))
        yield both("lung", "affine and B-spline, lung CT 115x157x129", ours, ["-f", pair[0], "-m", pair[1], "-p", str(affine), "-p", str(spline)])
        mask = sitk.ReadImage(str(lung / "3DCT_lung_followup_mask.mha"))
        wall([gantry, "registration", "apply", str(lung / "3DCT_lung_followup_mask.mha"), str(folder / "c.nii"), pair[0], str(folder / "mask.mha"), "--interpolation", "nearest"])
        inside = sitk.GetArrayFromImage(sitk.ReadImage(str(lung / "3DCT_lung_baseline_mask.mha"))) > 0
        dice = lambda moved: 2 * (moved & inside).sum() / (moved.sum() + inside.sum())
        ours, theirs = dice(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "mask.mha"))) > 0), None
        if peer:
            final = (out / "TransformParameters.1.txt").read_text()
            (out / "mask.txt").write_text(final.replace("(FinalBSplineInterpolationOrder 3)", "(FinalBSplineInterpolationOrder 0)"))
            wall(["transformix", "-in", str(lung / "3DCT_lung_followup_mask.mha"), "-tp", str(out / "mask.txt"), "-out", str(out)])
            theirs = dice(sitk.GetArrayFromImage(sitk.ReadImage(str(out / "result.nii.gz"))) > 0.5)
        yield row("registration", "Dice of the lungs", "overlap", "1", ours, theirs, "elastix" if peer else "", 1, larger_is_better=True)
