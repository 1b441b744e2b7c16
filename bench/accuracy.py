# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Accuracy of `gantry analyze` on digital patients whose truth is known, and its time and memory on a full chest CT. Seeds 101 to 120 serve here alone."""
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = [int(s) for s in os.environ.get("GANTRY_BENCH_SEEDS", " ".join(str(s) for s in range(101, 121))).split()]
SIZE = os.environ.get("GANTRY_BENCH_SIZE", "full")


def analyse(gantry, folder, seed, modality, *extra):
    patient, out = Path(folder) / "patient", Path(folder) / "out"
    subprocess.run([gantry, "simulation", "digital-patient", str(patient), "--seed", str(seed), "--modality", modality, "--size", SIZE, "--quiet", *extra], check=True)
    subprocess.run([gantry, "analyze", str(patient / "dicom"), "-o", str(out), "--cache", "off", "--quiet"], check=True)
    summary = json.loads((out / "summary.json").read_text())
    return json.loads((patient / "truth.json").read_text()), summary["studies"][0], patient, out


def finding(study, identifier):
    for one in study["findings"]:
        if one["id"] == identifier:
            return one["value"]
    return None


def dice(patient, out, study, identifier, labels=None):
    """Dice of a segment with the labels of the truth."""
    import nibabel
    import numpy as np

    table = {row["id"]: row["value"] for row in json.loads((patient / "labels.json").read_text())["labels"]}
    segment = next((s for s in study["segments"] if s["id"] == identifier), None)
    if segment is None:
        return 0.0
    found = np.asarray(nibabel.load(str(out / segment["file"])).dataobj) != 0
    truth = np.isin(np.asarray(nibabel.load(str(patient / "labels.nii.gz")).dataobj), [table[name] for name in labels or [identifier] if name in table])
    return float(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))


def nodules_of(study):
    values = {}
    for one in study["findings"]:
        match = re.fullmatch(r"lung_nodule\.(\d+)", one["id"])
        if match and one["value"] is not None:
            values[match.group(1)] = (one["position_lps_mm"], one["value"])
    return list(values.values())


def chest(gantry, row):
    lungs, volumes, laa, errors, false_positives, true, missed = [], [], [], [], [], 0, 0
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            truth, study, patient, out = analyse(gantry, folder, seed, "ct")
            for side in ("lung_left", "lung_right"):
                lungs.append(dice(patient, out, study, side, [side]))
                volumes.append(100 * abs(finding(study, side + ".volume") / truth["volumes_ml"][side] - 1))
            value = finding(study, "lungs.laa950")
            if value is not None:
                laa.append(abs(value - truth["laa950_percent"]))
            found = nodules_of(study)
            used = set()
            for nodule in truth["nodules"]:
                near = [n for n, (place, _) in enumerate(found) if math.dist(place, nodule["center_lps_mm"]) <= max(4, 0.6 * nodule["diameter_mm"])]
                used.update(near)
                if nodule["diameter_mm"] < 5:
                    continue
                true += 1
                if near:
                    errors.append(abs(found[near[0]][1] - nodule["diameter_mm"]))
                else:
                    missed += 1
            false_positives.append(len(found) - len(used))
            print(f"  seed {seed}: Dice {lungs[-2]:.4f} {lungs[-1]:.4f}, volume off {volumes[-2]:.1f} {volumes[-1]:.1f} %, nodules so far {true - missed}/{true}, false {false_positives[-1]}", file=sys.stderr, flush=True)
    n = len(SEEDS)
    yield row("analyze", "lungs, smallest Dice", "dice", "1", min(lungs), runs=n)
    yield row("analyze", "lung volume, largest error", "error", "%", max(volumes), runs=n)
    yield row("analyze", "LAA-950, largest error", "error", "points", max(laa) if laa else float("nan"), runs=len(laa))
    yield row("analyze", "nodules of 5 mm and more, sensitivity", "sensitivity", "%", 100 * (true - missed) / max(1, true), runs=true)
    yield row("analyze", "nodules, false positives per scan", "count", "1", statistics.mean(false_positives), runs=n)
    yield row("analyze", "nodules, median diameter error", "error", "mm", statistics.median(errors) if errors else float("nan"), runs=len(errors))


def head(gantry, row):
    brain, tissues = [], []
    parts = ["gray_matter", "white_matter", "deep_nuclei"]
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            truth, study, patient, out = analyse(gantry, folder, seed, "mr")
            names = {s["id"] for s in study["segments"]}
            brain.append(dice(patient, out, study, "brain", truth.get("brain_labels", parts)))
            for tissue, labels in (("gray_matter", ["gray_matter", "deep_nuclei"]), ("white_matter", ["white_matter"]), ("cerebrospinal_fluid", ["cerebrospinal_fluid", "ventricles"])):
                if tissue in names:
                    tissues.append(dice(patient, out, study, tissue, labels))
            print(f"  seed {seed}: brain {brain[-1]:.4f}, tissues {[round(t, 3) for t in tissues[-3:]]}", file=sys.stderr, flush=True)
    yield row("analyze", "head MR, brain, smallest Dice", "dice", "1", min(brain), runs=len(brain))
    yield row("analyze", "head MR, tissues, smallest Dice", "dice", "1", min(tissues) if tissues else float("nan"), runs=len(tissues))


def uptakes_of(study, kind):
    """{number: {"at": position, "suv_max": ..., "volume": ...}} of all regions (`lesion`) or foci (`focus`)."""
    found = {}
    for one in study["findings"]:
        match = re.fullmatch(rf"pet_{kind}\.(\d+)\.(\w+)", one["id"])
        if match:
            found.setdefault(match.group(1), {"at": one.get("position_lps_mm")})[match.group(2)] = one["value"]
    return [entry for entry in found.values() if entry["at"]]


def pet(gantry, row):
    """Truth is the noise-free blurred image; its volume at SUV 2.5 is that of a region, its volume at 41 % that of a focus. A lesion without a region or focus at its
    place is missed, whatever the errors of the others."""
    for noise, names in (("0", ("suv_max", "mtv25_ml", "mtv41_ml")), (None, ("suv_peak",))):
        errors, true, missed = {name: [] for name in names}, 0, 0
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                truth, study, _, _ = analyse(gantry, folder, seed, "pet", *(["--noise", noise] if noise is not None else []))
                found = {kind: uptakes_of(study, kind) for kind in ("lesion", "focus")}
                for lesion in truth["lesions"]:
                    true += 1
                    # The hottest voxel lies within the lesion; a voxel of noise more is allowed.
                    nearest = {kind: min(all_of, key=lambda one: math.dist(one["at"], lesion["center_lps_mm"]), default=None) for kind, all_of in found.items()}
                    if any(one is None or math.dist(one["at"], lesion["center_lps_mm"]) > lesion["diameter_mm"] / 2 + 5 for one in nearest.values()):
                        missed += 1
                        continue
                    for name in names:
                        if lesion[name] is None or (name.startswith("mtv") and lesion[name] < 5):
                            continue
                        value = nearest["focus" if name == "mtv41_ml" else "lesion"]["volume" if name.startswith("mtv") else name]
                        errors[name].append(100 * abs(value / lesion[name] - 1))
                print(f"  seed {seed}, noise {noise or 'usual'}: lesions so far {true - missed}/{true}, " + ", ".join(f"{name} off {max(e, default=0):.1f} %" for name, e in errors.items()), file=sys.stderr, flush=True)
        yield row("analyze", f"PET, lesions missed, noise {noise or 'usual'}", "count", "1", missed, runs=true)
        for name in names:
            yield row("analyze", f"PET, {name}, largest error, noise {noise or 'usual'}", "error", "%", max(errors[name], default=float("nan")), runs=len(errors[name]))


def speed(gantry, row):
    """A chest CT of 512 x 512 x about 300 with all outputs: wall time and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.json"
        spec.write_text(json.dumps({"scan": {"slice_mm": 1.2}}))
        subprocess.run([gantry, "simulation", "digital-patient", folder + "/p", "--seed", "101", "--modality", "ct", "--spec", str(spec), "--quiet"], check=True)
        command = [gantry, "analyze", folder + "/p/dicom", "-o", folder + "/out", "--cache", "off", "--quiet", "--threads", "2"]
        script = "import resource,subprocess,sys,time;b=time.time();subprocess.run(sys.argv[1:],check=True);print(time.time()-b,resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        seconds, kilobytes = subprocess.run([sys.executable, "-c", script, *command], check=True, capture_output=True, text=True).stdout.split()
        case = f"chest CT 512 x 512 x {len(list(Path(folder, 'p/dicom').glob('*.dcm')))}, all outputs"
        yield row("analyze", case, "wall", "s", float(seconds), gantry_command=["gantry", "analyze", "patient/dicom", "-o", "out"])
        yield row("analyze", case, "memory", "MB", float(kilobytes) / 1024, gantry_command=["gantry", "analyze", "patient/dicom", "-o", "out"])


def rows(gantry, row):
    for part in (speed, chest, head, pet):
        try:
            yield from part(gantry, row)
        except (subprocess.CalledProcessError, StopIteration, KeyError) as failure:
            print(f"  {part.__name__}: {failure!r}", file=sys.stderr)
