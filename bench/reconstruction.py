# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Rows of the suite `reconstruction`: filtered back-projection beside scikit-image in one process, with the built Python module."""
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


def against_peer(sinogram, degrees, centre, runs):
    """Median seconds of both, and the root mean square of their difference in the inner circle over that of the peer's slice."""
    from gantry import reconstruction
    from skimage.transform import iradon

    rows = np.ascontiguousarray(sinogram.T[None])  # slice, view, column
    angles = degrees.reshape(1, 1, -1)
    ours = lambda: np.asarray(reconstruction.fbp(rows, angles=angles, centre=centre))[0]
    theirs = lambda: iradon(sinogram, theta=degrees, filter_name="ramp", circle=True)
    times = ([], [])
    for _ in range(runs):
        for n, work in enumerate((ours, theirs)):
            seconds, result = timed(work)
            times[n].append(seconds)
            if n == 0:
                mine = result
    # The peer turns the other way round: its rows run upwards.
    mine, peer = mine[::-1], result
    middle = (len(peer) - 1) / 2
    j, i = np.mgrid[: len(peer), : len(peer)] - middle
    inside = np.hypot(i, j) < 0.9 * middle
    difference = np.sqrt(np.mean((mine - peer)[inside] ** 2) / np.mean(peer[inside] ** 2))
    return statistics.median(times[0]), statistics.median(times[1]), difference


def rows(row, data):
    from skimage.data import shepp_logan_phantom
    from skimage.transform import radon, resize

    image = resize(shepp_logan_phantom(), (511, 511), order=1).astype(np.float32)
    j, i = np.mgrid[:511, :511] - 255
    image[np.hypot(i, j) > 254] = 0
    degrees = np.arange(720) * 0.25
    sinogram = radon(image, theta=degrees, circle=True).astype(np.float32)
    ours, theirs, difference = against_peer(sinogram, degrees, None, 5)
    yield row("reconstruction", "FBP 511^2 x 720 views, in process", "wall", "s", ours, theirs, "scikit-image iradon", 5)
    yield row("reconstruction", "FBP 511^2 x 720 views, difference from scikit-image", "error", "%", 100 * difference, runs=1)
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
        ours, theirs, difference = against_peer(lines[middle - half:middle + half + 1, :-1], degrees[:-1], None, 5)
        yield row("reconstruction", "FBP of a tooth, 180 views, in process", "wall", "s", ours, theirs, "scikit-image iradon", 5)
        yield row("reconstruction", "FBP of a tooth, difference from scikit-image", "error", "%", 100 * difference, runs=1)
