# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Rows of the suite `reconstruction`, in one process with the built Python module: filtered back-projection, OSEM and projection beside scikit-image and ASTRA (GPL, a tool of the bench alone), MR beside SciPy, ultrasound beside NumPy."""
import statistics
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build/release/python"))


def timed(work):
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def interleaved(*works, runs=5):
    """Median seconds of each, and what each gave in the end."""
    times, results = [[] for _ in works], [None] * len(works)
    for _ in range(runs):
        for n, work in enumerate(works):
            seconds, results[n] = timed(work)
            times[n].append(seconds)
    return [statistics.median(one) for one in times], results


def difference(mine, peer):
    """Root mean square in the inner circle over that of the peer's slice."""
    middle = (len(peer) - 1) / 2
    j, i = np.mgrid[: len(peer), : len(peer)] - middle
    inside = np.hypot(i, j) < 0.9 * middle
    return float(np.sqrt(np.mean((mine - peer)[inside] ** 2) / np.mean(peer[inside] ** 2)))


class Astra:
    """Slices of `size` pixels and parallel views over `angles` in ASTRA, on the CPU."""

    def __init__(self, size, angles, columns):
        import astra

        self.astra = astra
        self.slices = astra.create_vol_geom(size, size)
        self.views = astra.create_proj_geom("parallel", 1.0, columns, angles)
        self.projector = astra.create_projector("linear", self.views, self.slices)

    def project(self, image):
        number, sinogram = self.astra.create_sino(image, self.projector)
        self.astra.data2d.delete(number)
        return sinogram

    def fbp(self, sinogram):
        astra = self.astra
        measured, slice_ = astra.data2d.create("-sino", self.views, sinogram), astra.data2d.create("-vol", self.slices)
        settings = astra.astra_dict("FBP")
        settings |= {"ReconstructionDataId": slice_, "ProjectionDataId": measured, "ProjectorId": self.projector, "option": {"FilterType": "Ram-Lak"}}
        algorithm = astra.algorithm.create(settings)
        astra.algorithm.run(algorithm)
        result = astra.data2d.get(slice_)
        astra.algorithm.delete(algorithm)
        astra.data2d.delete([measured, slice_])
        return result

    def mlem(self, counts, iterations):
        operator = self.astra.OpTomo(self.projector)
        activity, seen = np.ones((self.slices["GridRowCount"],) * 2, np.float32), operator.BP(np.ones_like(counts))
        for _ in range(iterations):
            activity *= operator.BP(counts / np.maximum(operator.FP(activity), 1e-6)) / np.maximum(seen, 1e-6)
        return activity


def has_astra():
    import importlib.util

    return importlib.util.find_spec("astra") is not None


def fbp_rows(row, words, sinogram, degrees):
    """`sinogram`: column, view."""
    from gantry import reconstruction
    from skimage.transform import iradon

    rows = np.ascontiguousarray(sinogram.T[None])  # slice, view, column
    angles = degrees.reshape(1, 1, -1)
    ours = lambda: np.asarray(reconstruction.fbp(rows, angles=angles))[0]
    peers = [("scikit-image iradon", lambda: iradon(sinogram, theta=degrees, filter_name="ramp", circle=True))]
    if has_astra():
        astra = Astra(len(sinogram), np.deg2rad(degrees), len(sinogram))
        peers.append(("ASTRA FBP, CPU", lambda: astra.fbp(rows[0])))
    times, (mine, *theirs) = interleaved(ours, *(work for _, work in peers))
    for (name, _), seconds in zip(peers, times[1:]):
        yield row("reconstruction", f"FBP {words}, in process", "wall", "s", times[0], seconds, name, 5, operation="reconstruction.fbp")
    # The peers turn the other way round: their rows run upwards.
    for (name, _), picture in zip(peers, theirs):
        yield row("reconstruction", f"FBP {words}, difference from {name}", "error", "%", 100 * difference(mine[::-1], picture), runs=1, operation="reconstruction.fbp")


def projection_rows(row, image):
    from gantry import simulation
    from skimage.transform import radon

    degrees = np.arange(720) * 0.25
    upright = np.ascontiguousarray(image[None, ::-1])  # the rows of the peers run upwards
    ours = lambda: np.asarray(simulation.project(upright, unit="attenuation", views=720, columns=len(image)))[0]
    peers = [("scikit-image radon", lambda: radon(image, theta=degrees, circle=True).T)]
    if has_astra():
        astra = Astra(len(image), np.deg2rad(degrees), len(image))
        peers.append(("ASTRA FP, CPU", lambda: astra.project(image)))
    times, (mine, *theirs) = interleaved(ours, *(work for _, work in peers), runs=3)
    for (name, _), seconds in zip(peers, times[1:]):
        yield row("reconstruction", "projection of 511^2, 720 views, in process", "wall", "s", times[0], seconds, name, 3, operation="simulation.project")
    likeness = lambda peer: max(np.corrcoef(mine.ravel(), turned.ravel())[0, 1] for turned in (peer, peer[:, ::-1]))
    for (name, _), views in zip(peers, theirs):
        yield row("reconstruction", f"projection, correlation with {name}", "correlation", "1", float(likeness(views)), runs=1, larger_is_better=True, operation="simulation.project")


def emission_rows(row):
    """MLEM of Poisson counts of a disc with two hot spots, beside the same formula on ASTRA's projector."""
    if not has_astra():
        return
    from gantry import reconstruction

    j, i = np.mgrid[:128, :128] - 63.5
    activity = (np.hypot(i, j) < 50).astype(np.float32) + 3 * (np.hypot(i - 20, j) < 8) + 3 * (np.hypot(i + 15, j - 15) < 12)
    astra = Astra(128, np.arange(180) * np.pi / 180, 128)
    counts = np.random.default_rng(1).poisson(astra.project(activity)).astype(np.float32)
    ours = lambda: np.asarray(reconstruction.osem(counts[None], subsets=1, iterations=20))[0]
    times, (mine, theirs) = interleaved(ours, lambda: astra.mlem(counts, 20))
    yield row("reconstruction", "MLEM 128^2, 180 views, 20 iterations, in process", "wall", "s", *times, "ASTRA's projector and NumPy", 5, operation="reconstruction.osem")
    likeness = max(np.corrcoef(turned.ravel(), theirs.ravel())[0, 1] for turned in (mine, mine[::-1]))
    yield row("reconstruction", "MLEM, correlation with the same on ASTRA's projector", "correlation", "1", float(likeness), runs=1, larger_is_better=True, operation="reconstruction.osem")


def raw_kspace(folder, coils=8, slices=16, size=256):
    """A volume's worth of noise as an ISMRMRD file, written by the reference library's Python module, and the samples in it."""
    import h5py

    random = np.random.default_rng(1)
    samples = (random.normal(size=(slices, size, coils, size)) + 1j * random.normal(size=(slices, size, coils, size))).astype(np.complex64)
    counters = np.dtype([(name, "<u2") for name in ("kspace_encode_step_1", "kspace_encode_step_2", "average", "slice", "contrast", "phase", "repetition", "set", "segment")])
    vector = ("<f4", (3,))
    head = np.dtype([("flags", "<u8")] + [(name, "<u2") for name in ("number_of_samples", "active_channels", "discard_pre", "discard_post", "center_sample", "encoding_space_ref")]
                    + [(name, *vector) for name in ("position", "read_dir", "phase_dir", "slice_dir")] + [("idx", counters)])
    floats = h5py.vlen_dtype(np.float32)
    readouts = np.zeros(slices * size, np.dtype([("head", head), ("traj", floats), ("data", floats)]))
    for n in range(len(readouts)):
        readouts[n]["head"]["number_of_samples"], readouts[n]["head"]["active_channels"], readouts[n]["head"]["center_sample"] = size, coils, size // 2
        readouts[n]["head"]["read_dir"], readouts[n]["head"]["phase_dir"], readouts[n]["head"]["slice_dir"] = np.eye(3)
        readouts[n]["head"]["position"] = 0, 0, n // size
        readouts[n]["head"]["idx"]["kspace_encode_step_1"], readouts[n]["head"]["idx"]["slice"] = n % size, n // size
        readouts[n]["data"] = samples[n // size, n % size].ravel().view(np.float32)
        readouts[n]["traj"] = np.zeros(0, np.float32)
    space = f"<matrixSize><x>{size}</x><y>{size}</y><z>1</z></matrixSize><fieldOfView_mm><x>{size}</x><y>{size}</y><z>1</z></fieldOfView_mm>"
    xml = f"<ismrmrdHeader><encoding><encodedSpace>{space}</encodedSpace><reconSpace>{space}</reconSpace><trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
    path = str(Path(folder) / "scan.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("dataset/xml", data=[xml.encode()], dtype=h5py.special_dtype(vlen=bytes))
        file.create_dataset("dataset/data", data=readouts, maxshape=(None,), chunks=(1,))
    return path, np.ascontiguousarray(samples.transpose(2, 0, 1, 3))


def mr_rows(row):
    """The transform of 8 coils and 16 slices beside SciPy's in single precision on all processors."""
    import os
    import tempfile

    import gantry
    from gantry import reconstruction
    from scipy import fft

    with tempfile.TemporaryDirectory() as folder:
        path, samples = raw_kspace(folder)
        kspace = gantry.read(path, "kspace")

        def theirs():
            images = fft.fftshift(fft.ifft2(fft.ifftshift(samples, axes=(2, 3)), norm="ortho", workers=os.cpu_count()), axes=(2, 3))
            return np.sqrt((np.abs(images) ** 2).sum(0))

        ours = lambda: np.asarray(reconstruction.mr(kspace))
        times, (mine, result) = interleaved(ours, theirs)
        apart = np.abs(mine - result).max() / result.max()
        yield row("reconstruction", "MR 256^2 x 16 slices x 8 coils, in process", "wall", "s", *times, "SciPy ifft2, float32", 5, operation="reconstruction.mr")
        yield row("reconstruction", "MR 256^2 x 16 slices x 8 coils, largest difference from SciPy", "error", "%", 100 * apart, runs=1, operation="reconstruction.mr")


def beamform_rows(row):
    """Delay and sum of 64 elements beside the same sum written with NumPy and SciPy's Hilbert transform: no package of PyPI does it on the CPU."""
    import gantry
    from gantry import reconstruction, simulation
    from scipy.signal import hilbert

    echoes = simulation.ultrasound("phantom:cylinder", elements=64, density=2)
    pixel, depth, f_number = 0.15, 30.0, 1.5
    traces = np.asarray(echoes)[0]
    step = 1.54 / 2 / (5 * 4)
    places = (np.arange(64) - 31.5) * 0.3

    def theirs():
        signal = hilbert(traces, axis=1)
        x = (np.arange(127) - 63) * pixel
        z = np.arange(int(depth / pixel + 1e-6) + 1)[:, None] * pixel
        total, weights = np.zeros((len(z), len(x)), complex), np.zeros((len(z), len(x)))
        for place, trace in zip(places, signal):
            at = (z + np.hypot(x - place, z)) / 2 / step
            listens = 2 * np.abs(x - place) * f_number <= z
            first = np.minimum(at.astype(int), len(trace) - 2)
            part = at - first
            total += listens * ((1 - part) * trace[first] + part * trace[first + 1])
            weights += listens
        return np.abs(total) / np.maximum(weights, 1)

    ours = lambda: np.asarray(reconstruction.beamform(echoes, pixel=pixel, last_depth=depth, f_number=f_number))[0]
    times, images = interleaved(ours, theirs)
    likeness = np.corrcoef(images[0][40:].ravel(), images[1][40:].ravel())[0, 1]
    yield row("reconstruction", "echoes of a cyst, 64 elements, 2 scatterers a mm^2, in process", "wall", "s",
              timed(lambda: simulation.ultrasound("phantom:cylinder", elements=64, density=2))[0], runs=1, operation="simulation.ultrasound")
    yield row("reconstruction", "beamform 127 x 201 pixels, 64 elements, in process", "wall", "s", *times, "NumPy and SciPy", 5, operation="reconstruction.beamform")
    yield row("reconstruction", "beamform 127 x 201 pixels, correlation with NumPy", "correlation", "1", float(likeness), runs=1, larger_is_better=True, operation="reconstruction.beamform")


def rows(row, data):
    yield from mr_rows(row)
    yield from beamform_rows(row)
    yield from emission_rows(row)
    from skimage.data import shepp_logan_phantom
    from skimage.transform import radon, resize

    image = resize(shepp_logan_phantom(), (511, 511), order=1).astype(np.float32)
    j, i = np.mgrid[:511, :511] - 255
    image[np.hypot(i, j) > 254] = 0
    degrees = np.arange(720) * 0.25
    sinogram = radon(image, theta=degrees, circle=True).astype(np.float32)
    yield from fbp_rows(row, "511^2, 720 views", sinogram, degrees)
    yield from projection_rows(row, image)
    tooth = data and Path(data) / "raw/ct/tooth.h5"
    if tooth and tooth.exists():
        import h5py

        with h5py.File(tooth) as file:
            exchange = file["exchange"]
            projections, dark, white = (np.asarray(exchange[name], np.float32) for name in ("data", "data_dark", "data_white"))
        dark, white = dark.mean(0), white.mean(0)
        lines = -np.log(np.maximum((projections - dark) / (white - dark), 1e-4))[:, 0].T  # column, view
        degrees = np.linspace(0, 180, lines.shape[1])
        # The axis by the centres of mass, as `find_centre` does; the peer wants it in the middle, so as many columns stay on both sides.
        column = np.arange(len(lines))
        waves = np.stack([np.ones_like(degrees), np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], 1)
        axis = np.linalg.lstsq(waves, column @ lines / lines.sum(0), rcond=None)[0][0]
        middle = round(axis)
        half = min(middle, len(lines) - 1 - middle)
        # The last view is the first from behind; the peer would count that direction twice.
        yield from fbp_rows(row, "of a tooth, 180 views", np.ascontiguousarray(lines[middle - half:middle + half + 1, :-1]), degrees[:-1])
