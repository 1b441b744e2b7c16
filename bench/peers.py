#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""One peer's part of a benchmark: prints {"seconds": ...} measured around the work alone. `cases` lists the volume cases and their peers."""
import json
import sys
import time

CASES = {
    "gaussian": "SimpleITK SmoothingRecursiveGaussian",
    "median3": "SimpleITK Median",
    "distance": "SimpleITK SignedMaurerDistanceMap",
    "components": "SimpleITK ConnectedComponent",
    "otsu": "SimpleITK OtsuThreshold",
    "resample_linear": "SimpleITK Resample, linear, x1.5",
    "resample_cubic": "SimpleITK Resample, B-spline, x1.5",
    "dilate": "SimpleITK BinaryDilate, ball 3",
}


def timed(work):
    begin = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - begin}))


def head(size=256):
    """A blurred ellipsoid with noise: what a head is to a filter."""
    import numpy as np
    import SimpleITK as sitk

    axis = np.linspace(-1, 1, size, dtype=np.float32)
    r = (axis[:, None, None] / 0.9) ** 2 + (axis[None, :, None] / 0.8) ** 2 + (axis[None, None, :] / 0.7) ** 2
    image = 2000 / (1 + np.exp(12 * (r - 0.8))) + np.random.default_rng(7).normal(0, 120, r.shape).astype(np.float32)
    result = sitk.GetImageFromArray(image.astype(np.float32))
    result.SetSpacing((0.8, 0.8, 0.8))
    return result


def main():
    case = sys.argv[1]
    if case == "cases":
        print(json.dumps(CASES))
        return
    if case == "gz_read":
        import nibabel

        timed(lambda: nibabel.load(sys.argv[2]).get_fdata(dtype="float32"))
        return
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(2)
    if case == "gz_write":
        image = sitk.ReadImage(sys.argv[2])
        timed(lambda: sitk.WriteImage(image, sys.argv[2] + ".peer.nii.gz", useCompression=True))
        return
    image = head()
    mask = sitk.OtsuThreshold(image, 0, 1) if case in ("distance", "components", "dilate") else None
    grid = sitk.Image([384] * 3, sitk.sitkFloat32)
    grid.SetSpacing([0.8 * 255 / 383] * 3)
    timed({
        "gaussian": lambda: sitk.SmoothingRecursiveGaussian(image, 1.6),
        "median3": lambda: sitk.Median(image, [1, 1, 1]),
        "distance": lambda: sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True),
        "components": lambda: sitk.ConnectedComponent(mask),
        "otsu": lambda: sitk.OtsuThreshold(image, 0, 1, 256),
        "resample_linear": lambda: sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear),
        "resample_cubic": lambda: sitk.Resample(image, grid, sitk.Transform(), sitk.sitkBSpline),
        "dilate": lambda: sitk.BinaryDilate(mask, [3, 3, 3], sitk.sitkBall),
    }[case])


if __name__ == "__main__":
    main()
