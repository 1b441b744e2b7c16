# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""The learning suite: layers of volume networks beside LibTorch, imported networks on three heads, and how well the brain that `gantry analyze`
finds without a network agrees with the one that a network finds."""
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

LAYERS = ((5, 1), (5, 4), (15, 1), (15, 4), (15, 16), (30, 2))
SIZE = 128
EXPECTED_ML = {("mindgrab", "t1_crop"): (1500, 1700), ("model5_gw_ae", "t1_crop"): (1200, 1300)}


def peer_program(root, folder):
    """The program that measures LibTorch; None without it."""
    if not Path("/usr/include/torch/csrc/api/include/torch/torch.h").exists():
        return None
    program = str(Path(folder) / "convolution_peer")
    flags = ["-O2", "-std=c++17", "-I/usr/include/torch/csrc/api/include"]
    subprocess.run(["c++", *flags, str(root / "bench/convolution_peer.cpp"), "-o", program, "-ltorch", "-ltorch_cpu", "-lc10"], check=True)
    return program


def layers(root, bench, folder, row, reported):
    peer = peer_program(root, folder)
    for channels, dilation in LAYERS:
        ours = [bench, str(channels), str(dilation), str(SIZE)]
        theirs = [peer, *ours[1:]] if peer else []
        yield row("learning", f"layer of {channels} channels, dilation {dilation}, {SIZE}^3", "processor time", "s", reported(ours), reported(theirs) if peer else None,
                  "LibTorch" if peer else "", 3, ours, ["convolution_peer", *ours[1:]] if peer else [])


def run(command):
    begin = time.perf_counter()
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - begin, text


def heads(gantry, data, folder, row):
    models = data / "models/brainchop"
    bundles = {}
    for name in ("mindgrab", "model5_gw_ae"):
        bundles[name] = str(Path(folder) / name)
        run([gantry, "bundle", "import", str(models / name), "-o", bundles[name], "--licence", str(models / "LICENSE")])
    for head, path in (("t1_crop", models / "t1_crop.nii.gz"), ("mr-t1-head", data / "series/mr-t1-head"), ("mr-t1-contrast-head", data / "series/mr-t1-contrast-head")):
        masks = {}
        for name, model in bundles.items():
            out = Path(folder) / f"{head}-{name}"
            command = [gantry, "predict", model, str(path), "-o", str(out), "--json"]
            seconds, text = run(command)
            volume = sum(one["volume_ml"] for one in json.loads(text)["classes"])
            low, high = EXPECTED_ML.get((name, head), (0, 1e9))
            if not low <= volume <= high:
                raise RuntimeError(f"{name} on {head}: must give {low} to {high} mL; gave {volume}")
            masks[name] = out / "segmentation.nii.gz"
            yield row("learning", f"{name} on {head}", "wall", "s", seconds, gantry_command=command)
            yield row("learning", f"{name} on {head}", "volume", "mL", volume, gantry_command=command)
        result = Path(folder) / f"{head}-analysis"
        command = [gantry, "analyze", str(path), "--modality", "MR", "-o", str(result), "--cache", "off", "--quiet"]
        run(command)
        for part in ("intracranial", "brain"):
            found = sorted((result / "segmentations").glob(f"*-{part}.nii.gz"))
            if len(found) != 1:
                raise RuntimeError(f"{head}: the analysis must give one {part}; gave {len(found)}")
            compare = [gantry, "segmentation", "compare", str(found[0]), str(masks["mindgrab"]), "--json"]
            dice = json.loads(run(compare)[1])["labels"]["1"]["dice"]
            yield row("learning", f"{part} of the analysis on {head}, with mindgrab", "Dice", "1", dice, gantry_command=compare, larger_is_better=True)
        shutil.rmtree(result)


def hippocampi(gantry, data, folder, row):
    """The network of 104 classes on a brain with 46 known labels: overlap and distance of the centres of both hippocampi."""
    import nibabel
    import numpy as np

    source = data / "registration/brain-46"
    # The volume states no axes; its labels show that they run to left, inferior and anterior.
    affine = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    truth = np.load(source / "test_seg.npz")["vol_data"]
    image = Path(folder) / "brain-46.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.asanyarray(nibabel.load(source / "test_vol.nii.gz").dataobj).astype(np.float32), affine), image)
    model, out = str(Path(folder) / "model21_104class"), Path(folder) / "brain-46"
    run([gantry, "bundle", "import", str(data / "models/brainchop/model21_104class"), "-o", model])
    command = [gantry, "predict", model, str(image), "-o", str(out), "--json"]
    values = {one["name"]: one["value"] for one in json.loads(run(command)[1])["classes"]}
    found = np.asanyarray(nibabel.load(out / "segmentation.nii.gz").dataobj)
    for side, label in (("Left", 17), ("Right", 53)):
        a, b = found == values[f"{side}-Hippocampus"], truth == label
        distance = np.linalg.norm(np.argwhere(a).mean(0) - np.argwhere(b).mean(0))
        case = f"{side.lower()} hippocampus of brain-46, model21_104class"
        yield row("learning", case, "Dice", "1", 2 * float((a & b).sum()) / float(a.sum() + b.sum()), gantry_command=command, larger_is_better=True)
        yield row("learning", case, "distance of the centres", "mm", float(distance), gantry_command=command)


def trainings(root, gantry, data, folder, row):
    """The models that ship, trained anew by their scripts: films with three seeds, hippocampi on each of five folds, PET. An hour and more."""
    path = {**os.environ, "PATH": f"{Path(gantry).parent}:{os.environ['PATH']}"}

    def train(model, source, out, *words):
        begin = time.perf_counter()
        subprocess.run([str(root / "models" / model / "train.sh"), str(source), str(out), *words], check=True, env=path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin, json.loads(next(Path(out).rglob("manifest.json")).read_text())["figures"]

    for seed in ("1", "2", "3"):
        seconds, figures = train("cxr_pneumonia", data / "classification/pneumoniamnist", f"{folder}/films-{seed}", seed)
        yield row("training", f"cxr_pneumonia, seed {seed}", "wall", "s", seconds)
        for key in ("auc", "accuracy", "ece"):
            yield row("training", f"cxr_pneumonia, seed {seed}, test", key, "1", figures["test"][key])
    whole, dice = 0, []
    for fold in range(5):
        seconds, figures = train("hippocampus", data / "segmentation/hippocampus", f"{folder}/hippocampus-{fold}", str(fold))
        whole += seconds
        dice.append(figures["validation"]["dice"])
        yield row("training", f"hippocampus, fold {fold}", "Dice", "1", dice[-1], larger_is_better=True)
    yield row("training", "hippocampus, five folds", "mean Dice", "1", sum(dice) / len(dice), larger_is_better=True)
    yield row("training", "hippocampus, five folds", "wall", "s", whole)
    seconds, figures = train("pet_denoising", data / "sarcoma/nifti", f"{folder}/pet")
    yield row("training", "pet_denoising", "wall", "s", seconds)
    for level in figures["validation"]["levels"]:
        yield row("training", f"pet_denoising, noise {level['noise_level']}, gain over filter.nlm", "psnr", "dB", level["gain_db"], larger_is_better=True)


def rows(root, gantry, bench, data, folder, row, reported):
    yield from layers(root, bench, folder, row, reported)
    if data:
        yield from heads(gantry, data, folder, row)
        yield from hippocampi(gantry, data, folder, row)
