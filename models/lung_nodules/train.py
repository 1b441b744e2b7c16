# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Trains the classifier of lung nodule candidates on digital patients and writes weights.safetensors beside this file.

    ninja -C build/release gantry gantry_nodule_samples
    .venv/bin/python3 models/lung_nodules/train.py WORKFOLDER

WORKFOLDER keeps the samples, so that a second run trains at once. About an hour on two cores, four fifths of it for the patients. Three networks
that differ in their seed are trained and joined to one whose output is the mean of theirs."""
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/release/bin"
HEAD = 5  # columns before the features: nodule, place, sigma

# Seed, nodules (None: as many as the seed draws, 2 to 6), slices in mm, noise in HU, size. The bench's seeds, 101 to 120, are never learned from;
# 421 to 440 with 12 nodules each told where to put the threshold.
PATIENTS = [(23, None, 4, 8, "small"), (24, None, 4, 8, "small"), (201, 35, 1.25, 8, "full"), (202, 35, 1, 8, "full"),
            (203, 35, 1.5, 8, "full"), (204, 35, 2, 8, "full"), (205, 35, 1.25, 15, "full"), (206, 35, 1.25, 8, "full"),
            (207, 35, 1.5, 8, "full"), (208, 35, 2.5, 8, "full"), (209, 35, 1, 25, "full"), (210, 35, 1.25, 8, "full"),
            (211, 35, 1.5, 8, "full"), (212, 35, 1.25, 8, "full"), (213, 35, 1.5, 8, "full"), (214, 35, 2, 8, "full"),
            (215, 35, 1.25, 8, "full"), (216, 35, 1.5, 8, "full"), (217, 35, 1.5, 8, "full"), (218, 35, 1.5, 8, "full"),
            (219, 35, 1, 8, "full"), (220, 35, 1.5, 8, "full"), (221, 35, 1.25, 8, "full"), (222, 35, 1, 8, "full"),
            (223, 35, 1.5, 8, "full"), (224, 35, 2, 8, "full"), (225, 35, 1.25, 12, "full"), (226, 35, 1.5, 8, "full"),
            (227, 35, 1.5, 8, "full"), (228, 35, 1.25, 8, "full"), (229, 35, 2, 8, "full"), (230, 35, 1.5, 10, "full"),
            (231, 35, 1.25, 8, "full"), (232, 35, 1.5, 8, "full"), (233, 35, 1, 8, "full"), (234, 35, 1.5, 8, "full"),
            (235, 35, 2.5, 8, "full"), (236, 35, 1.25, 8, "full"), (237, 35, 1.5, 8, "full"), (238, 35, 1.5, 8, "full"),
            (239, 35, 1.25, 8, "full"), (240, 35, 1.5, 8, "full"), (301, 30, 2.5, 8, "small"), (302, 30, 2, 8, "small"),
            (303, 30, 3, 8, "small"), (304, 30, 2.5, 16, "small"), (305, 30, 2.5, 8, "small"), (306, 30, 2, 12, "small"),
            (307, 30, 3, 8, "small"), (308, 30, 4, 8, "small"), (311, 30, 2.5, 8, "small"), (312, 30, 4, 8, "small"),
            (313, 30, 5, 8, "small"), (314, 30, 2.5, 20, "small"), (315, 30, 4, 14, "small"), (316, 30, 2.5, 12, "small"),
            (317, 30, 3.75, 8, "small"), (318, 30, 2.5, 8, "small"), (319, 30, 5, 12, "small"), (320, 30, 2, 20, "small")]
HIDDEN, EPOCHS, BATCH, RATE, DECAY, MEMBERS = (64, 24), 9, 512, 2e-3, 1e-4, 3
JITTER = 0.2  # noise on standardised features: lungs of patients differ from drawn ones
POSITIVE = 40  # a nodule weighs as much as so many spots that are none


def samples(folder, seed, nodules, slice_mm, noise, size):
    """The rows of one patient."""
    out = folder / f"{seed}.bin"
    if not out.exists():
        patient, spec = folder / f"patient-{seed}", folder / "spec.json"
        count = {} if nodules is None else {"nodule_count": nodules}
        spec.write_text(json.dumps({**count, "scan": {"slice_mm": slice_mm}}))
        subprocess.run([PROGRAMS / "gantry", "simulation", "digital-patient", patient, "--seed", str(seed), "--modality", "ct", "--size", size,
                        "--noise", str(noise), "--spec", spec, "--quiet"], check=True)
        subprocess.run([PROGRAMS / "gantry_nodule_samples", patient / "dicom", patient / "truth.json", out], check=True)
        subprocess.run(["rm", "-r", patient], check=True)
    # A row is as long as the header of features says: 13 spheres of 11 numbers, and 3.
    return np.fromfile(out, np.float32).reshape(-1, HEAD + 146)


def weighted(rows):
    """Features, labels and weights of one patient; all spots of a nodule together weigh alike, whatever its size."""
    rows = rows[rows[:, 0] >= 0]
    number, count = np.unique(rows[:, 0], return_counts=True)
    spots = dict(zip(number, count))
    weights = np.array([POSITIVE / (spots[n] + 1) if n > 0 else 1 for n in rows[:, 0]])
    return rows[:, HEAD:], (rows[:, 0] > 0).astype(np.float32), weights


def fit(inputs, labels, weights, seed):
    """Layers [(weight, bias), ...] by Adam on the cross-entropy with a cosine schedule."""
    random = np.random.default_rng(seed)
    sizes = [inputs.shape[1], *HIDDEN, 1]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [random.normal(0, np.sqrt(2 / a), (b, a)).astype(np.float32), np.zeros(b, np.float32)]
    first, second = [np.zeros_like(p) for p in layers], [np.zeros_like(p) for p in layers]
    chance, steps = weights / weights.sum(), EPOCHS * len(inputs) // BATCH
    for step in range(steps):
        chosen = random.choice(len(inputs), BATCH, p=chance)
        values = [inputs[chosen] + random.normal(0, JITTER, (BATCH, inputs.shape[1])).astype(np.float32)]
        for n in range(0, len(layers), 2):
            value = values[-1] @ layers[n].T + layers[n + 1]
            values.append(np.maximum(value, 0) if n + 2 < len(layers) else value)
        error = ((1 / (1 + np.exp(-np.clip(values[-1][:, 0], -60, 60))) - labels[chosen]) / BATCH)[:, None].astype(np.float32)
        slopes = []
        for n in range(len(layers) - 2, -1, -2):
            slopes = [error.T @ values[n // 2], error.sum(0), *slopes]
            error = (error @ layers[n]) * (values[n // 2] > 0)
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        for n, slope in enumerate(slopes):
            first[n] = 0.9 * first[n] + 0.1 * slope
            second[n] = 0.999 * second[n] + 0.001 * slope**2
            move = first[n] / (1 - 0.9 ** (step + 1)) / (np.sqrt(second[n] / (1 - 0.999 ** (step + 1))) + 1e-8)
            layers[n] -= rate * (move + (DECAY * layers[n] if n % 2 == 0 else 0))
    return list(zip(layers[::2], layers[1::2]))


def joined(members):
    """One network whose output is the mean of the members'."""
    layers = []
    for n, parts in enumerate(zip(*members)):
        weights, biases = [w for w, _ in parts], [b for _, b in parts]
        if n == 0:
            layers.append((np.concatenate(weights), np.concatenate(biases)))
        elif n + 1 == len(members[0]):
            layers.append((np.concatenate(weights, 1) / len(parts), sum(biases) / len(parts)))
        else:
            rows, columns = weights[0].shape
            block = np.zeros((rows * len(parts), columns * len(parts)), np.float32)
            for k, weight in enumerate(weights):
                block[k * rows:(k + 1) * rows, k * columns:(k + 1) * columns] = weight
            layers.append((block, np.concatenate(biases)))
    return layers


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name], "<f4")
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for patient in PATIENTS:
        parts.append(weighted(samples(folder, *patient)))
        print(f"patient {patient[0]}: {len(parts[-1][1])} spots, {int(parts[-1][1].sum())} in nodules", flush=True)
    features, labels, weights = (np.concatenate(p) for p in zip(*parts))
    mean, scale = features.mean(0), np.maximum(features.std(0), 1e-3)
    inputs = np.clip((features - mean) / scale, -6, 6).astype(np.float32)
    tensors = {"mean": mean, "scale": scale}
    for n, (weight, bias) in enumerate(joined([fit(inputs, labels, weights, seed) for seed in range(1, MEMBERS + 1)])):
        tensors[f"weight_{n}"], tensors[f"bias_{n}"] = weight, bias
    write_safetensors(Path(__file__).with_name("weights.safetensors"), tensors, {"version": "1"})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
