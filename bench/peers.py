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


def target(size, spacing, planes, top, radius, centre):
    """A target with a penumbra, and the positions of its voxels: what gantry_radiotherapy_bench makes."""
    import numpy as np

    axis = (np.arange(size) - (size - 1) / 2) * spacing
    z = axis if planes > 1 else np.zeros(1)
    r = np.sqrt((z[:, None, None] - centre[2]) ** 2 + (axis[None, :, None] - centre[1]) ** 2 + (axis[None, None, :] - centre[0]) ** 2)
    return (z, axis, axis), 1 + top / (1 + np.exp((r - radius) / 6))


def gamma(size, spacing, planes, radius):
    """pymedphys at its usual ten steps a distance; both criteria as for Gantry."""
    import warnings

    from pymedphys._gamma.implementation.shell import gamma_shell

    warnings.simplefilter("ignore")
    axes, reference = target(size, spacing, planes, 60, radius, (0, 0, 0))
    _, evaluated = target(size, spacing, planes, 60.9, radius + 0.5, (1.2, -0.8, 0.5 if planes > 1 else 0))
    if planes == 1:
        axes, reference, evaluated = axes[1:], reference[0], evaluated[0]
    timed(lambda: gamma_shell(axes, reference, axes, evaluated, 3, 3, lower_percent_dose_cutoff=10, interp_fraction=10, max_gamma=2, global_normalisation=61, quiet=True))


def with_scikit_image(case):
    """Non-local means with patches of 3^3 in a search of 11^3, or structural similarity, of a noisy volume."""
    import SimpleITK as sitk
    from skimage.metrics import structural_similarity
    from skimage.restoration import denoise_nl_means

    image = sitk.GetArrayFromImage(head(128))
    if case == "nlm":
        timed(lambda: denoise_nl_means(image, patch_size=3, patch_distance=5, h=72, sigma=120, fast_mode=True))
    else:
        timed(lambda: structural_similarity(image, image * 0.99, data_range=2400))


def file_by_non_local_means(path):
    """Non-local means with patches of 3^3 in a search of 7^3 of an image file."""
    import SimpleITK as sitk
    from skimage.restoration import denoise_nl_means

    image = sitk.GetArrayFromImage(sitk.ReadImage(path)).astype("float32")
    sigma = 0.1 * float(image.std())
    timed(lambda: denoise_nl_means(image, patch_size=3, patch_distance=3, sigma=sigma, h=0.6 * sigma, fast_mode=True))


def bias_field():
    """SimpleITK's N4 on 64^3, four levels of 50 updates."""
    import numpy as np
    import SimpleITK as sitk

    axis = np.linspace(-1, 1, 64)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    image = 2000 / (1 + np.exp(12 * (x**2 / 0.49 + y**2 / 0.64 + z**2 / 0.81 - 0.8))) * np.exp(0.2 * x - 0.15 * y + 0.1 * np.sin(2 * z))
    image += np.random.default_rng(7).normal(0, 120, image.shape)
    volume = sitk.GetImageFromArray(image.astype(np.float32))
    volume.SetSpacing((3.2, 3.2, 3.2))
    mask = sitk.GetImageFromArray((image > 1000).astype(np.uint8))
    mask.CopyInformation(volume)
    correction = sitk.N4BiasFieldCorrectionImageFilter()
    correction.SetMaximumNumberOfIterations([50, 50, 50, 50])
    correction.SetConvergenceThreshold(0)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(2)
    timed(lambda: correction.Execute(volume, mask))


def radiomics_features():
    """MIRP's features of IBSI 1 in 3-D of a sphere of 20 mm in noise of 100, as gantry_radiomics_bench."""
    import logging

    import numpy as np
    from mirp import extract_features

    logging.disable(logging.WARNING)
    axis = np.arange(64) - 31.5
    inside = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2 <= 400
    image = np.random.default_rng(1).normal(0, 100, inside.shape).astype(np.float32)
    bins = int(np.ptp(image[inside]) / 25) + 1
    timed(lambda: extract_features(image=image, mask=inside.astype(np.uint8), base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=bins))


def negation(path):
    """negspacy with its clinical terms on the sentences of NegEx; the concept is told, as it is to Gantry."""
    import spacy
    from negspacy import negation as _  # noqa: F401 - registers the component
    from pathlib import Path

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    negex = nlp.add_pipe("negex")
    rows = [line.split("\t") for line in Path(path).read_text(errors="replace").splitlines()[1:]]
    rows = [row for row in rows if len(row) >= 4]
    begin = time.perf_counter()
    found = []
    for row in rows:
        with nlp.select_pipes(disable=["negex"]):
            doc = nlp(row[2])
        at = row[2].lower().find(row[1].lower())
        span = doc.char_span(at, at + len(row[1]), label="CONCEPT", alignment_mode="expand") if at >= 0 else None
        if span is not None:
            doc.ents = [span]
        doc = negex(doc)
        found.append(any(e._.negex for e in doc.ents))
    seconds = time.perf_counter() - begin
    truth = [row[3] == "Negated" for row in rows]
    hits = sum(a and b for a, b in zip(found, truth))
    print(json.dumps({"seconds": seconds, "f1": 2 * hits / max(1, sum(found) + sum(truth))}))


def speckle_video(path):
    """Ten frames of 480 x 640 of speckle that shrinks by 1 % and moves by (1.3, -0.7) pixels a frame, as 8-bit levels in floats."""
    import numpy as np

    draw = np.random.default_rng(3)
    j, i = np.mgrid[0:480, 0:640].astype(np.float32)
    frames = []
    waves = [(2 * np.pi / draw.uniform(8, 40), draw.uniform(0, 2 * np.pi), draw.uniform(0, 2 * np.pi)) for _ in range(40)]
    for n in range(10):
        s = 1 - 0.01 * n
        x, y = 320 + (i - 320 - 1.3 * n) / s, 240 + (j - 240 + 0.7 * n) / s
        frames.append(128 + 12 * sum(np.cos(k * (np.cos(a) * x + np.sin(a) * y) + p) for k, a, p in waves))
    np.clip(np.round(frames), 0, 255).astype(np.float32).tofile(path)


def point_tracking(path):
    """OpenCV's pyramidal Lucas-Kanade over the frames of `speckle_video`, with the same window and levels."""
    import cv2
    import numpy as np

    cv2.setNumThreads(2)
    frames = np.fromfile(path, np.float32).reshape(10, 480, 640).astype(np.uint8)
    start = np.array([(60 + 21 * (n % 25), 60 + 18 * (n // 25)) for n in range(500)], np.float32)
    begin = time.perf_counter()
    points, tracks = start, []
    for before, now in zip(frames, frames[1:]):
        points, found, _ = cv2.calcOpticalFlowPyrLK(before, now, points, None, winSize=(21, 21), maxLevel=2)
        tracks.append((points, found[:, 0] == 1))
    seconds = time.perf_counter() - begin
    errors = []
    for n, (at, found) in enumerate(tracks, 1):
        s = 1 - 0.01 * n
        truth = np.stack([320 + (start[:, 0] - 320) * s + 1.3 * n, 240 + (start[:, 1] - 240) * s - 0.7 * n], 1)
        errors.append(np.hypot(*(at - truth).T)[found])
    errors = np.concatenate(errors)
    print(json.dumps({"seconds": seconds, "error_px": float(np.median(errors)), "worst_px": float(np.quantile(errors, 0.99))}))


def search_vectors(path):
    """100 000 vectors of 64 values and 100 queries, all of length 1, in twenty clusters."""
    import numpy as np

    draw = np.random.default_rng(5)
    values = draw.normal(size=(100100, 64)) + 1.5 * draw.normal(size=(20, 64))[draw.integers(20, size=100100)]
    (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32).tofile(path)


def nearest_vectors(path):
    """hnswlib with its usual graph, which was built before, and 50 candidates a query; the sum of the numbers tells how much it misses."""
    import hnswlib
    import numpy as np

    values = np.fromfile(path, np.float32).reshape(-1, 64)
    graph = hnswlib.Index(space="ip", dim=64)
    graph.init_index(max_elements=100000, ef_construction=100, M=16)
    graph.set_num_threads(2)
    graph.add_items(values[:100000])
    graph.set_ef(50)
    begin = time.perf_counter()
    found = [graph.knn_query(query, k=5)[0][0] for query in values[100000:]]
    seconds = (time.perf_counter() - begin) / 100
    exact = np.argsort(-(values[100000:] @ values[:100000].T), axis=1)[:, :5]
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(found, exact)])
    print(json.dumps({"seconds": seconds, "recall": float(recall)}))


def exact_vectors(path):
    """NumPy's product of matrix and vector, and the five greatest."""
    import numpy as np

    values = np.fromfile(path, np.float32).reshape(-1, 64)
    index, queries = values[:100000], values[100000:]
    begin = time.perf_counter()
    for query in queries:
        np.argpartition(-(index @ query), 5)[:5]
    print(json.dumps({"seconds": (time.perf_counter() - begin) / 100}))


def raters(paths):
    """STAPLE of label images, and the overlap of each pair."""
    import SimpleITK as sitk

    images = [sitk.Cast(sitk.ReadImage(path), sitk.sitkUInt8) for path in paths]

    def work():
        sitk.STAPLEImageFilter().Execute(images)
        for a in range(len(images)):
            for b in range(a + 1, len(images)):
                overlap = sitk.LabelOverlapMeasuresImageFilter()
                overlap.Execute(images[a], images[b])
                overlap.GetDiceCoefficient(1)

    timed(work)


def association(features, variables, out):
    """pandas reads and writes; Spearman's correlations and their p of SciPy, false discovery rates of SciPy."""
    import numpy as np
    import pandas
    from scipy import stats

    def work():
        left, right = pandas.read_csv(features, index_col="id"), pandas.read_csv(variables, index_col="id")
        right = right.loc[left.index]
        found = stats.spearmanr(left.to_numpy(), right.to_numpy())
        block = np.s_[: left.shape[1], left.shape[1] :]
        r, p = found.statistic[block].ravel(), found.pvalue[block].ravel()
        pairs = pandas.DataFrame({"feature": np.repeat(left.columns, right.shape[1]), "variable": np.tile(right.columns, left.shape[1]),
                                  "r": r, "p": p, "q": stats.false_discovery_control(p)})
        pairs.sort_values("p").to_csv(out, index=False)

    timed(work)


def noise_level(path):
    """scikit-image's wavelet estimate of the noise of each slice, reading included."""
    import SimpleITK as sitk
    from skimage.restoration import estimate_sigma

    timed(lambda: [estimate_sigma(plane) for plane in sitk.GetArrayFromImage(sitk.ReadImage(path)).astype("float32")])


def frames_of(path):
    """All frames in memory: pydicom and its decoders for DICOM, OpenCV for files of other kinds."""
    if path.endswith(".dcm"):
        import pydicom

        timed(lambda: pydicom.dcmread(path).pixel_array)
        return
    import cv2

    def work():
        video, frames = cv2.VideoCapture(path), []
        while (read := video.read())[0]:
            frames.append(read[1])

    timed(work)


def dose_volume(dose, structures):
    """dicompyler-core's histogram of each structure."""
    import pydicom.dicomio

    pydicom.dicomio.read_file = pydicom.dcmread  # the name by which the package knows it
    from dicompylercore import dvhcalc
    from dicompylercore.dicomparser import DicomParser

    numbers = [number for number, one in DicomParser(structures).GetStructures().items() if not one["empty"]]
    timed(lambda: [dvhcalc.get_dvh(structures, dose, number) for number in numbers])


def segmentation_change(former, later):
    """pydicom's frames of two segmentations, and Dice of each segment; frames must be in the same order."""
    import numpy as np
    import pydicom

    def work():
        planes, segments = [], []
        for path in (former, later):
            dataset = pydicom.dcmread(path)
            planes.append(dataset.pixel_array > 0)
            segments.append(np.array([frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber for frame in dataset.PerFrameFunctionalGroupsSequence]))
        assert (segments[0] == segments[1]).all()
        for number in np.unique(segments[0]):
            a, b = (one[segments[0] == number] for one in planes)
            2 * (a & b).sum() / (a.sum() + b.sum())

    timed(work)


def main():
    case = sys.argv[1]
    files = {"association": association, "noise": noise_level, "frames": frames_of, "dvh": dose_volume, "versions": segmentation_change}
    if case in files:
        files[case](*sys.argv[2:])
        return
    if case == "nlm_of":
        file_by_non_local_means(sys.argv[2])
        return
    if case == "raters":
        raters(sys.argv[2:])
        return
    if case in ("vectors", "nearest_exact", "nearest_hnsw"):
        {"vectors": search_vectors, "nearest_exact": exact_vectors, "nearest_hnsw": nearest_vectors}[case](sys.argv[2])
        return
    if case in ("speckle", "tracking"):
        (speckle_video if case == "speckle" else point_tracking)(sys.argv[2])
        return
    if case == "n4":
        bias_field()
        return
    if case == "negation":
        negation(sys.argv[2])
        return
    if case == "radiomics":
        radiomics_features()
        return
    if case in ("gamma2", "gamma3"):
        gamma(*((250, 1, 1, 80) if case == "gamma2" else (64, 3, 64, 50)))
        return
    if case == "cases":
        print(json.dumps(CASES))
        return
    if case in ("nlm", "ssim"):
        with_scikit_image(case)
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
