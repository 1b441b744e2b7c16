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


def by_surroundings(fixed, moving, points, guesses):
    """Where the surroundings of points (a ball of 6 mm, weighted towards its middle) resemble those in another lung most: all shifts of up to 4 mm around a guess, then shift
    and linear map by Powell's method. Positions in mm and their weighted correlations; no registration takes part but by the guess."""
    from scipy import ndimage, optimize

    def sampler(image):
        values = ndimage.spline_filter(np.maximum(sitk.GetArrayFromImage(image).astype(float), -1000), 3)
        origin, spacing = np.array(image.GetOrigin()), np.array(image.GetSpacing())
        return lambda at: ndimage.map_coordinates(values, ((at - origin) / spacing).T[::-1], order=3, mode="nearest", prefilter=False)

    here, there = sampler(fixed), sampler(moving)
    ball = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), -1).reshape(-1, 3)
    ball = ball[np.linalg.norm(ball, axis=1) <= 6]
    weights = np.exp(-(np.linalg.norm(ball, axis=1) / 4) ** 2)
    weights /= weights.sum()
    shifts = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), -1).reshape(-1, 3)

    def likeness(a, b):
        a, b = a - weights @ a, b - weights @ b
        return weights @ (a * b) / np.sqrt((weights @ a**2) * (weights @ b**2))

    found = []
    for point, guess in zip(points, guesses):
        own = here(point + ball)
        cost = lambda x: -likeness(own, there(guess + x[:3] + ball @ (np.eye(3) + x[3:].reshape(3, 3) / 20).T))
        first = np.zeros(12)
        first[:3] = max(shifts, key=lambda shift: likeness(own, there(guess + shift + ball)))
        best = optimize.minimize(cost, first, method="Powell", options={"maxiter": 6, "xtol": 0.02, "ftol": 1e-4})
        found.append((*(guess + best.x[:3]), -best.fun))
    return np.array(found)


def landmarks_of(path, image, mask):
    """The marked points that lie in the image and in the mask."""
    points = np.array([line.split() for line in path.read_text().splitlines()[2:]], float)
    values = sitk.GetArrayFromImage(mask)
    places = [image.TransformPhysicalPointToIndex(point.tolist())[::-1] for point in points]
    return points[[all(0 <= i < n for i, n in zip(place, values.shape)) and values[place] > 0 for place in places]]


def beside(wall, ours, theirs, peer, runs=3):
    """Median seconds of both commands, one after the other each time; None for a peer that is not there."""
    times = [(wall(ours), wall(theirs) if peer else None) for _ in range(runs)]
    return [statistics.median(one) if one[0] is not None else None for one in zip(*times)]


def through(folder, out, points, gantry, transform, wall, peer):
    """Points through both registrations."""
    write_points(folder / "points.txt", points)
    ours = [gantry, "registration", "apply-points", str(folder / "points.txt"), str(folder / transform), str(folder / "there.txt"), "--cache", "off", "--quiet"]
    theirs = ["transformix", "-def", str(folder / "points.txt"), "-tp", str(out / "TransformParameters.1.txt"), "-out", str(out), "-threads", "2"]
    middle, found = beside(wall, ours, theirs, peer), None
    if peer:
        found = np.array([text.split("OutputPoint = [")[1].split("]")[0].split() for text in (out / "outputpoints.txt").read_text().splitlines()], float)
    return np.loadtxt(folder / "there.txt", skiprows=2), found, middle, ours, theirs


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

        def both(case, words, ours, theirs):
            command = ["elastix", "-threads", "2", "-out", str(out), *theirs]
            return row("registration", words, "wall", "s", *beside(wall, ours, command, peer), "elastix" if peer else "", 3, ours, command if peer else "")

        fixed = str(folder / "fixed.nii")
        ours = [gantry, "registration", "rigid", fixed, str(folder / "turned.nii"), str(folder / "a.nii.gz"), "--transform", str(folder / "a.json"), "--threads", "2", "--cache", "off"]
        yield both("rigid", "rigid, brain 160^3, turned contrast", ours, ["-f", fixed, "-m", str(folder / "turned.nii"), "-p", str(rigid)])
        matrix = np.array(json.loads((folder / "a.json").read_text())["matrix"])
        angle = np.degrees(np.arccos((np.trace(matrix) - 1) / 2))
        theirs = None
        if peer:
            line = next(text for text in (out / "TransformParameters.0.txt").read_text().splitlines() if text.startswith("(TransformParameters"))
            theirs = abs(np.degrees(np.linalg.norm([float(word) for word in line.strip("()").split()[1:4]])) - 5)
        yield row("registration", "rigid, error of the angle of 5 degrees", "error", "deg", abs(angle - 5), theirs, "elastix" if peer else "", 1, operation="registration.rigid")

        ours = [gantry, "registration", "bspline", fixed, str(folder / "bent.nii"), str(folder / "b.nii.gz"), "--transform", str(folder / "b.nii"), "--threads", "2", "--cache", "off"]
        spline = parameters(folder / "spline.txt", SPLINE.format(12))
        yield both("bspline", "rigid and B-spline, brain 160^3, known field", ours, ["-f", fixed, "-m", str(folder / "bent.nii"), "-p", str(rigid), "-p", str(spline)])
        # The images of a NIfTI file without a direction lie along LPS with both axes turned: points in voxels are brought there.
        image = sitk.ReadImage(fixed)
        world = lambda points: np.array([image.TransformContinuousIndexToPhysicalPoint((p / 1.25).tolist()) for p in points])
        moved, peer_moved, middle, ours, command = through(folder, out, world(fixed_points), gantry, "b.nii", wall, peer)
        apart = lambda points: np.median(np.linalg.norm(points - world(moving_points), axis=1))
        error, theirs = apart(moved), apart(peer_moved) if peer else None
        yield row("registration", f"{len(fixed_points)} points through the deformation", "wall", "s", *middle, "transformix" if peer else "", 3, ours, command if peer else "")
        ours = [gantry, "registration", "apply", str(folder / "bent.nii"), str(folder / "b.nii"), fixed, str(folder / "applied.nii"), "--cache", "off", "--quiet"]
        command = ["transformix", "-in", str(folder / "bent.nii"), "-tp", str(out / "TransformParameters.1.txt"), "-out", str(out), "-threads", "2"]
        middle = beside(wall, ours, command, peer)
        yield row("registration", "the brain through the deformation, 160^3", "wall", "s", *middle, "transformix" if peer else "", 3, ours, command if peer else "")
        yield row("registration", "B-spline, median error on the brain", "error", "mm", error, theirs, "elastix" if peer else "", 1, operation="registration.bspline")

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
        yield row("registration", "Dice of the lungs", "overlap", "1", ours, theirs, "elastix" if peer else "", 1, larger_is_better=True, operation="registration.bspline")
        # Vessels that an expert marked in the first scan; where they lie in the second is not told, so their surroundings are found again.
        scans = [sitk.ReadImage(path, sitk.sitkFloat32) for path in pair]
        points = landmarks_of(lung / "3DCT_lung_baseline_landmarks.txt", scans[0], sitk.ReadImage(str(lung / "3DCT_lung_baseline_mask.mha")))
        moved, peer_moved, *_ = through(folder, out, points, gantry, "c.nii", wall, peer)
        matched = by_surroundings(*scans, points, (moved + peer_moved) / 2 if peer else moved)
        sure = matched[:, 3] > 0.95
        apart = lambda positions: np.median(np.linalg.norm(positions - matched[:, :3], axis=1)[sure])
        yield row("registration", f"{sure.sum()} of {len(points)} marked vessels, median distance from where their surroundings are found again", "error", "mm",
                  apart(moved), apart(peer_moved) if peer else None, "elastix" if peer else "", 1, operation="registration.bspline")
