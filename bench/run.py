#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Measures Gantry beside its peers, interleaved in one run: run.py [SUITE...] [--json FILE] [--record]. Suites: io, volume, analyze, compression, reconstruction, statistics, annotation, cohort, filter, quality, radiotherapy, radiomics, registration, report, video, retrieval, generation, archive, learning, start; and, only when named, training.
A ratio above 1 means that Gantry is better. Rows: suite, case, metric, unit, gantry, peer, peer_name, ratio, runs, operation (where the command does not name it), gantry_command, peer_command, machine."""
import contextlib
import datetime
import json
import math
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "build/release/bin"
GANTRY = str(BIN / "gantry")
PEERS = [sys.executable, str(ROOT / "bench/peers.py")]
DATA = Path(os.environ["GANTRY_TEST_DATA"]) if os.environ.get("GANTRY_TEST_DATA") else None
RUNS = 5


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, {platform.system()}"


def short(command):
    """The command as anyone would type it: no folders of this machine."""
    text = " ".join(command)
    for folder, name in ((str(BIN) + "/", ""), (str(ROOT / "build/release"), "build/release"), (str(DATA), "$GANTRY_TEST_DATA"), (sys.executable, "python3"), (str(ROOT) + "/", "")):
        text = text.replace(folder, name)
    return text


def row(suite, case, metric, unit, gantry, peer=None, peer_name="", runs=1, gantry_command="", peer_command="", larger_is_better=False, operation=""):
    ratio = None
    if peer is not None and gantry:
        ratio = gantry / peer if larger_is_better else peer / gantry
    return {"suite": suite, "case": case, "metric": metric, "unit": unit, "gantry": gantry, "peer": peer, "peer_name": peer_name, "ratio": ratio,
            "runs": runs, "operation": operation, "gantry_command": short(gantry_command), "peer_command": short(peer_command), "machine": machine()}


def wall(command, **options):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    return time.perf_counter() - begin


def reported(command):
    """Seconds that the program itself measured: the last JSON line of its output."""
    lines = [line for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n") if line.startswith("{")]
    return json.loads(lines[-1])["gantry" if "gantry" in json.loads(lines[-1]) else "seconds"]


def interleaved(measure_ours, measure_theirs, runs=RUNS):
    ours, theirs = [], []
    measure_ours(), measure_theirs()
    for _ in range(runs):
        ours.append(measure_ours())
        theirs.append(measure_theirs())
    return statistics.median(ours), statistics.median(theirs)


def suite_start():
    command = [GANTRY, "version"]
    times = [wall(command) for _ in range(21)]
    yield row("start", "gantry version", "wall", "s", statistics.median(times), runs=21, gantry_command=command)


def suite_io():
    with tempfile.TemporaryDirectory() as folder:
        if DATA:
            series = str(DATA / "series/mr-t1-head")
            bench = [str(BIN / "gantry_dicom_bench"), series, "9"]
            text = subprocess.run(bench, check=True, capture_output=True, text=True).stdout
            floor = float(re.search(r"raw read\s+([\d.]+)", text).group(1))
            volume = float(re.search(r"to volume\s+([\d.]+)", text).group(1))
            yield row("io", "384 DICOM slices to a volume, in process", "wall", "ms", volume, floor, "reading the files and nothing else", 9, bench)
            ours = [GANTRY, "convert", series, folder + "/a.nii"]
            theirs = ["dcm2niix", "-z", "n", "-o", folder, "-f", "b", series]

            def convert(command):
                for old in Path(folder).glob("[ab]*"):
                    old.unlink()
                return wall(command)

            a, b = interleaved(lambda: convert(ours), lambda: convert(theirs))
            yield row("io", "384 DICOM slices to .nii, whole command", "wall", "s", a, b, "dcm2niix", RUNS, ours, theirs)
        io_bench = [str(BIN / "gantry_io_bench"), folder]
        head = folder + "/head-f32-256.nii.gz"
        ours, theirs = {"read": [], "write": []}, {"read": [], "write": []}
        for _ in range(3):
            text = subprocess.run(io_bench, check=True, capture_output=True, text=True).stdout
            rows = {(r["case"], r["metric"]): r["gantry"] for r in map(json.loads, text.splitlines())}
            for case in ours:
                ours[case].append(rows["head-f32-256.nii.gz", case])
                theirs[case].append(reported([*PEERS, f"gz_{case}", head]))
        for case, peer in (("read", "nibabel"), ("write", "ITK")):
            a, b = statistics.median(ours[case]), statistics.median(theirs[case])
            yield row("io", f".nii.gz {case} 256^3 f32, in process", "wall", "s", a, b, peer, 3, io_bench, [*PEERS, f"gz_{case}", head])
        kept, peer_kept = rows["head-f32-256.nii.gz", "ratio"], 4 * 256**3 / Path(head + ".peer.nii.gz").stat().st_size
        yield row("io", ".nii.gz compression 256^3 f32", "ratio", "1", kept, peer_kept, "ITK", 1, io_bench, larger_is_better=True)


VOLUME_OPERATIONS = {"gaussian": "filter.gaussian", "median3": "filter.median", "distance": "filter.distance", "components": "segmentation.connected_components",
                     "otsu": "segmentation.otsu", "resample_linear": "filter.resample", "resample_cubic": "filter.resample", "dilate": "filter.morphology"}


def suite_volume():
    bench = str(BIN / "gantry_volume_bench")
    cases = json.loads(subprocess.run([*PEERS, "cases"], check=True, capture_output=True, text=True).stdout)
    for case, peer in cases.items():
        ours, theirs = [bench, case], [*PEERS, case]
        a, b = interleaved(lambda: reported(ours), lambda: reported(theirs), 3)
        yield row("volume", f"{case} 256^3 f32, in process", "wall", "s", a, b, peer, 3, ours, theirs, operation=VOLUME_OPERATIONS[case])


def suite_analyze():
    sys.path.insert(0, str(ROOT / "bench"))
    import accuracy

    yield from accuracy.rows(GANTRY, row)


def suite_compression():
    """Lossless recompression of DICOM files: ratio and time."""
    import compression

    if DATA:
        yield from compression.rows(row, DATA, GANTRY)


def suite_reconstruction():
    sys.path.insert(0, str(ROOT / "bench"))
    import reconstruction

    yield from reconstruction.rows(row, DATA)


def suite_statistics():
    """Whole commands on tables of made cases, beside R's survival and pROC."""
    import random

    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        scores, cohort = folder + "/scores.csv", folder + "/cohort.csv"
        with open(scores, "w") as file:
            file.write("label,score\n")
            for _ in range(200000):
                label = draw.randrange(2)
                file.write(f"{label},{draw.gauss(0.8 * label, 1):.6f}\n")
        with open(cohort, "w") as file:
            file.write("time,event,group,a,b,c,d,e\n")
            for _ in range(20000):
                values = [draw.gauss(0, 1) for _ in range(5)]
                time_to_event, end = draw.expovariate(math.exp(0.5 * values[0] - 0.2 * values[1])), draw.expovariate(0.5)
                file.write(f"{min(time_to_event, end):.4f},{int(time_to_event < end)},g{draw.randrange(3)}," + ",".join(f"{v:.4f}" for v in values) + "\n")
        peer = shutil.which("Rscript")
        for case, words, ours in (("roc", "ROC of 200 000 cases with DeLong's interval", ["roc", scores]),
                                  ("survival", "Kaplan-Meier, log-rank and Cox of 20 000 subjects", ["survival", cohort, "--group", "group", "--covariates", "a,b,c,d,e"])):
            ours = [GANTRY, "statistics", *ours[:2], folder + "/out.json", *ours[2:], "--quiet"]
            theirs = ["Rscript", str(ROOT / "bench/statistics.R"), case, ours[3]]
            a, b = interleaved(lambda: wall(ours), (lambda: wall(theirs)) if peer else (lambda: 0.0), 3)
            yield row("statistics", words, "wall", "s", a, b if peer else None, "R" if peer else "", 3, ours, theirs if peer else "")
        subjects, tables = 200, {"features": 100, "genes": 2000}
        for name, columns in tables.items():
            with open(f"{folder}/{name}.csv", "w") as file:
                file.write("id," + ",".join(f"{name}{n}" for n in range(columns)) + "\n")
                for subject in range(subjects):
                    file.write(f"s{subject}," + ",".join(f"{draw.gauss(0, 1):.5f}" for _ in range(columns)) + "\n")
        paths = [f"{folder}/{name}.csv" for name in tables]
        ours, theirs = [GANTRY, "statistics", "association", *paths, folder + "/pairs.csv", "--quiet"], [*PEERS, "association", *paths, folder + "/peer.csv"]
        a, b = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
        yield row("statistics", "rank correlations of 100 features with 2000 genes, 200 subjects (peer: without its start)", "wall", "s", a, b, "pandas and SciPy", 3, ours, theirs)


def suite_cohort():
    """Twenty small CT volumes as whole commands: one after another beside a loop of the shell, two at one time beside xargs. Both write all results; only Gantry joins them."""
    with tempfile.TemporaryDirectory() as folder:
        studies = Path(folder) / "studies"
        studies.mkdir()
        for n in range(20):
            subprocess.run([GANTRY, "filter", "gaussian", "phantom:sphere", str(studies / f"{n:02}.nii"), "--sigma", str(1 + 0.1 * n), "--quiet"], check=True)
        for old in studies.glob("*.json"):
            old.unlink()
        one = f"{GANTRY} analyze $f -o {folder}/out/$(basename $f) --modality CT --cache off --quiet --threads"
        for jobs, threads, name, loop in ((1, 2, "loop of the shell", f"for f in {studies}/*; do {one} 2; done"),
                                          (2, 1, "xargs -P 2", f"ls {studies}/* | xargs -P 2 -I F sh -c 'f=F; {one} 1'")):
            ours = [GANTRY, "cohort", "run", *sorted(map(str, studies.iterdir())), "-o", folder + "/out", "--modality", "CT", "--cache", "off", "--quiet", "--jobs", str(jobs), "--threads", str(threads)]
            theirs = ["sh", "-c", loop]

            worked = {"ours": [], "theirs": []}

            def measured(command, side):
                shutil.rmtree(folder + "/out", ignore_errors=True)
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                seconds = wall(command)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                worked[side].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
                return seconds

            a, b = interleaved(lambda: measured(ours, "ours"), lambda: measured(theirs, "theirs"), 3)
            ours[3:23], typed = ["studies/*"], lambda command: [word.replace(folder + "/", "").replace(str(BIN) + "/", "") for word in command]
            yield row("cohort", f"20 CT of 64^3, {jobs} at one time", "wall", "s", a, b, name, 3, typed(ours), typed(theirs))
            a, b = (statistics.median(worked[side]) for side in ("ours", "theirs"))
            yield row("cohort", f"20 CT of 64^3, {jobs} at one time", "processor", "s", a, b, name, 3, typed(ours), typed(theirs))


def suite_annotation():
    """Three raters of a head: kappa, Dice, surface distances and STAPLE in one command, beside SimpleITK's STAPLE and label overlap."""
    with tempfile.TemporaryDirectory() as folder:
        raters = [f"{folder}/{n}.nii" for n in range(3)]
        for n, rater in enumerate(raters):
            subprocess.run([GANTRY, "segmentation", "threshold", "phantom:shepp_logan", f"{folder}/a.nii", "--lower", str(0.15 + 0.05 * n), "--quiet"], check=True)
            subprocess.run([GANTRY, "filter", "resample", f"{folder}/a.nii", rater, "--spacing", "0.333333,0.333333,0.333333", "--interpolation", "nearest", "--quiet"], check=True)
        ours = [GANTRY, "annotation", "agreement", f"{folder}/out.json", *[word for rater in raters for word in ("--input", rater)], "--rule", "staple", "--quiet"]
        theirs = [*PEERS, "raters", *raters]
        own, peer = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
        yield versions_row(folder)
        yield row("annotation", "3 raters, 192^3 (ours: whole command with kappa and surfaces; peer: STAPLE and overlap alone)", "wall", "s", own, peer, "SimpleITK", 3, ours, theirs)


def versions_row(folder):
    """Twelve structures of a digital patient, and a later version of them."""
    import pydicom

    subprocess.run([GANTRY, "simulation", "digital-patient", f"{folder}/patient", "--modality", "ct", "--size", "small", "--quiet"], check=True)
    subprocess.run([GANTRY, "analyze", f"{folder}/patient/dicom", "-o", f"{folder}/result", "--cache", "off", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    former = next(path for path in Path(folder, "result").rglob("*.dcm") if pydicom.dcmread(path, stop_before_pixels=True).Modality == "SEG")
    both = Path(folder, "both")
    both.mkdir()
    shutil.copy(former, both / "1.dcm")
    later = pydicom.dcmread(former)
    later.SOPInstanceUID = later.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.9.9996.2"
    later.ContentTime, later.ContentCreatorName = "235959", "Reader^One"
    later.PixelData = later.PixelData[:-1000] + bytes(1000)
    later.save_as(both / "2.dcm")
    ours, theirs = [GANTRY, "annotation", "versions", str(both), f"{folder}/history.json", "--cache", "off", "--quiet"], [*PEERS, "versions", str(both / "1.dcm"), str(both / "2.dcm")]
    own, peer = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
    if len(json.loads(Path(folder, "history.json").read_text())["annotations"][0]["versions"]) != 2:
        raise RuntimeError("the later segmentation is no version of the former")
    return row("annotation", f"change of {len(later.SegmentSequence)} segments, {later.NumberOfFrames} planes of {later.Columns} x {later.Rows} (peer: Dice alone, without its start)", "wall", "s", own, peer, "pydicom and NumPy", 3, ours, theirs)


def suite_filter():
    for case, words, peer in (("nlm", "non-local means 128^3, 3^3 in 11^3", "scikit-image"), ("n4", "N4 64^3, 4 x 50 updates", "SimpleITK")):
        ours, theirs = [str(BIN / "gantry_filter_bench"), case], [*PEERS, case]
        a, b = interleaved(lambda: reported(ours), lambda: reported(theirs), 3)
        yield row("filter", words, "wall", "s", a, b, peer, 3, ours, theirs, operation=f"filter.{case}")


def suite_quality():
    """Structural similarity, and all that is told of a head without a reference."""
    ours, theirs = [str(BIN / "gantry_quality_bench"), "ssim"], [*PEERS, "ssim"]
    a, b = interleaved(lambda: reported(ours), lambda: reported(theirs), 3)
    yield row("quality", "structural similarity 128^3", "wall", "s", a, b, "scikit-image", 3, ours, theirs, operation="quality.compare")
    if not DATA:
        return
    with tempfile.TemporaryDirectory() as folder:
        head = f"{folder}/head.nii"
        subprocess.run([GANTRY, "convert", str(DATA / "series/mr-t1-head"), head, "--quiet"], check=True)
        ours, theirs = [GANTRY, "quality", "study", head, f"{folder}/quality.json", "--modality", "mr", "--cache", "off", "--quiet"], [*PEERS, "noise", head]
        a, b = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
        yield row("quality", "head of 384 slices (ours: all measures, whole command; peer: noise alone)", "wall", "s", a, b, "scikit-image estimate_sigma", 3, ours, theirs)


def suite_radiotherapy():
    """The work itself, without reading files; gamma beside pymedphys."""
    bench = str(BIN / "gantry_radiotherapy_bench")
    for case, words in (("gamma2", "gamma 3 %/3 mm, plane of 250 x 250 at 1 mm"), ("gamma3", "gamma 3 %/3 mm, 64^3 at 3 mm")):
        ours, theirs = [bench, case], [*PEERS, case]
        a, b = interleaved(lambda: reported(ours), lambda: reported(theirs), 3)
        yield row("radiotherapy", words, "wall", "s", a, b, "pymedphys", 3, ours, theirs, operation="radiotherapy.gamma")
    ours = [bench, "dvh"]
    yield row("radiotherapy", "DVH of 5 spheres of 40 mm", "wall", "s", statistics.median(reported(ours) for _ in range(3)), runs=3, gantry_command=ours, operation="radiotherapy.dvh")
    if not DATA:
        return
    with tempfile.TemporaryDirectory() as folder:
        plan = [str(DATA / "radiotherapy/breast-plan" / name) for name in ("rtdose.dcm", "rtss.dcm")]
        ours, theirs = [GANTRY, "radiotherapy", "dvh", *plan, f"{folder}/dvh.json", "--cache", "off", "--quiet"], [*PEERS, "dvh", *plan]
        a, b = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
        yield row("radiotherapy", "DVH of all structures of a breast plan (ours: whole command)", "wall", "s", a, b, "dicompyler-core", 3, ours, theirs)


def suite_radiomics():
    """The features of a sphere in noise, beside MIRP where it is installed."""
    import importlib.util

    theirs = [*PEERS, "radiomics"] if importlib.util.find_spec("mirp") else None
    ours = [str(BIN / "gantry_radiomics_bench"), "radiomics"]
    a, b = interleaved(lambda: reported(ours), (lambda: reported(theirs)) if theirs else (lambda: 0.0), 3)
    yield row("radiomics", "sphere of 33,500 voxels, all aggregations, 487 features", "wall", "s", a, b if theirs else None, "MIRP, 204 features", 3, ours, theirs or "", operation="radiomics.extract")


def suite_report():
    """The text of an analysed chest; negation on the published sentences of NegEx, beside negspacy where it is installed: F1 of the negated class, and time."""
    import importlib.util

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([GANTRY, "simulation", "digital-patient", f"{folder}/patient", "--size", "small", "--quiet"], check=True)
        subprocess.run([GANTRY, "analyze", f"{folder}/patient/dicom", "-o", f"{folder}/result", "--cache", "off", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        ours = [GANTRY, "report", "text", f"{folder}/result/summary.json", f"{folder}/text.txt", "--cache", "off", "--quiet"]
        yield row("report", "text of a chest CT, whole command", "wall", "s", statistics.median(wall(ours) for _ in range(5)), runs=5, gantry_command=ours)

    path = DATA / "text/negex/rsAnnotations-1-120-random.txt" if DATA else None
    if not path or not path.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        sentences, out = folder + "/sentences.tsv", folder + "/out.json"
        rows = [line.split("\t") for line in path.read_text(errors="replace").splitlines()[1:]]
        rows = [row for row in rows if len(row) >= 4]
        Path(sentences).write_text("concept\tsentence\n" + "".join(f"{row[1]}\t{row[2]}\n" for row in rows))
        ours, theirs = [GANTRY, "report", "negation", sentences, out, "--quiet"], [*PEERS, "negation", str(path)]
        own = statistics.median(wall(ours) for _ in range(3))
        found = [one["status"] == "negated" for one in json.loads(Path(out).read_text())]
        truth = [row[3] == "Negated" for row in rows]
        hits = sum(a and b for a, b in zip(found, truth))
        f1 = 2 * hits / (sum(found) + sum(truth))
        peer, peer_f1 = None, None
        if importlib.util.find_spec("negspacy"):
            answer = json.loads(subprocess.run(theirs, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            peer, peer_f1 = answer["seconds"], answer["f1"]
        yield row("report", "negation, 1188 sentences", "F1", "1", f1, peer_f1, "negspacy", 1, ours, theirs, larger_is_better=True)
        yield row("report", "negation, 1188 sentences (ours: whole command; peer: the work alone)", "wall", "s", own, peer, "negspacy", 3, ours, theirs)


def suite_registration():
    sys.path.insert(0, str(ROOT / "bench"))
    import registration

    yield from registration.rows(row, wall, GANTRY, DATA)


def suite_video():
    """Points through moving speckle, beside OpenCV where it is installed: time, and error against the known motion."""
    import importlib.util

    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/speckle.f32"
        subprocess.run([*PEERS, "speckle", path], check=True)
        ours, theirs = [str(BIN / "gantry_video_bench"), path], [*PEERS, "tracking", path]
        peer = importlib.util.find_spec("cv2")
        a, b = interleaved(lambda: reported(ours), (lambda: reported(theirs)) if peer else (lambda: 0.0), 3)
        yield row("video", "500 points through 10 frames of 480 x 640", "wall", "s", a, b if peer else None, "OpenCV, pyramidal LK", 3, ours, theirs, operation="video.track")
        said = [json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1]) if words is ours or peer else {} for words in (ours, theirs)]
        for name, words in (("error_px", "median"), ("worst_px", "99 %")):
            yield row("video", f"error of the tracks, {words}", "error", "pixels", said[0][name], said[1].get(name), "OpenCV, pyramidal LK", 1, ours, theirs, operation="video.track")
        yield from reading_rows(folder)


def reading_rows(folder):
    """Frames out of files, in process: an MP4 through ffmpeg beside OpenCV (the same decoder, in its own process), and multi-frame DICOM beside pydicom."""
    sys.path.insert(0, str(ROOT / "build/release/python"))
    from gantry import video

    film = f"{folder}/film.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=8", "-pix_fmt", "yuv420p", film], check=True)
    files = [("MP4 of 200 frames of 640 x 480", film, "OpenCV")]
    if DATA:
        from pydicom import dcmread

        for path in sorted((DATA / "dicom").rglob("*.dcm")):
            try:
                dataset = dcmread(path, stop_before_pixels=True)
            except Exception:  # broken on purpose
                continue
            if dataset.get("Modality") == "US" and int(dataset.get("NumberOfFrames") or 1) > 10:
                files.append((f"ultrasound of {dataset.NumberOfFrames} frames of {dataset.Columns} x {dataset.Rows}, {dataset.file_meta.TransferSyntaxUID.name}", str(path), "pydicom"))

    def ours(path):
        begin = time.perf_counter()
        video.read(path)
        return time.perf_counter() - begin

    for words, path, peer in files:
        a, b = interleaved(lambda: ours(path), lambda: reported([*PEERS, "frames", path]), 3)
        yield row("video", f"{words}, in process", "wall", "s", a, b, peer, 3, operation="video.read")


def suite_retrieval():
    """The five nearest of 100 000 vectors, a query at a time, beside NumPy (exact) and, where it is installed, hnswlib (a graph, which misses some)."""
    import importlib.util

    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/vectors.f32"
        subprocess.run([*PEERS, "vectors", path], check=True)
        ours = [str(BIN / "gantry_retrieval_bench"), path]
        peers = [("nearest_exact", "NumPy, exact")] + ([("nearest_hnsw", "hnswlib")] if importlib.util.find_spec("hnswlib") else [])
        for case, name in peers:
            theirs = [*PEERS, case, path]
            a, b = interleaved(lambda: reported(ours), lambda: reported(theirs), 3 if case == "nearest_exact" else 1)
            yield row("retrieval", "five nearest of 100 000 vectors of 64", "wall", "s", a, b, name, 3, ours, theirs, operation="retrieval.search")
        pictures = make_pictures(folder, 200)
        ours = [GANTRY, "retrieval", "index", f"{folder}/pictures.gvec", *[word for path in pictures for word in ("--input", path)], "--quiet"]
        yield row("retrieval", "index of 200 pictures of 512 x 512, by thumbnail", "wall", "s", statistics.median(wall(ours) for _ in range(3)), runs=3, gantry_command=[*ours[:4], "--input", "..."])


def make_pictures(folder, count):
    import cv2
    import numpy as np

    draw, paths = np.random.default_rng(1), [f"{folder}/{n:03}.png" for n in range(count)]
    for path in paths:
        cv2.imwrite(path, cv2.GaussianBlur(draw.normal(128, 400, (512, 512)).clip(0, 255).astype(np.uint8), (0, 0), 6))
    return paths


def suite_generation():
    """A PET out of the simulation through the network, a whole command, beside non-local means of scikit-image; then the patients that the network held out, beside
    our own non-local means with the best of four settings."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([GANTRY, "simulation", "digital-patient", f"{folder}/patient", "--modality", "pet", "--size", "small", "--seed", "101", "--quiet"], check=True)
        subprocess.run([GANTRY, "convert", f"{folder}/patient/dicom", f"{folder}/pet.nii", "--quiet"], check=True)
        ours, theirs = [GANTRY, "generation", "denoise", f"{folder}/pet.nii", f"{folder}/out.nii", "--quiet"], [*PEERS, "nlm_of", f"{folder}/pet.nii"]
        a, b = interleaved(lambda: wall(ours), lambda: reported(theirs), 3)
        yield row("generation", "denoise a PET (ours: whole command; peer: the filter alone, 3^3 in 7^3)", "wall", "s", a, b, "scikit-image, non-local means", 3, ours, theirs)
        patients = sorted((DATA / "sarcoma/nifti").glob("STS_*")) if DATA else []
        if not patients:
            return
        os.mkdir(f"{folder}/images")
        for patient in patients:
            os.symlink(patient / "PET_image.nii.gz", f"{folder}/images/{patient.name}.nii.gz")
        command = [GANTRY, "evaluate", str(ROOT / "models/pet_denoising"), folder, "--part", "validation", "--json"]
        measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for level in measured["levels"]:
            yield row("generation", f"PSNR, {measured['cases']} held-out patients, noise {level['noise_level']} (noisy {level['psnr_noisy_db']})", "psnr", "dB",
                      level["psnr_db"], level["psnr_nlm_db"], "filter.nlm, best of four by the truth", 1, command, larger_is_better=True, operation="generation.denoise")


def suite_archive():
    """Objects of 0.5 MB through DCMTK's stock clients, one association each time."""
    sys.path.insert(0, str(ROOT / "bench"))
    import archive

    count, rounds = 100, 3
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        peer = archive.orthanc_server(folder)
        with archive.gantry_server(GANTRY, folder) as ours, peer or contextlib.nullcontext() as theirs:
            yield long_association(folder, ours, archive)
            rates = {name: {"ours": [], "theirs": []} for name in ("store", "own store", "get")}
            for turn in range(rounds):
                studies = {name: f"1.2.826.0.1.3680043.9.9999.{os.getpid()}.{turn}.{n}" for n, name in enumerate(("stock", "own"), 1)}
                sources = {name: archive.write_study(f"{folder}/in-{turn}-{name}", study, count) for name, study in studies.items()}
                os.sync()
                for server, key in ((ours, "ours"), (theirs, "theirs")):
                    if server is None:
                        continue
                    store = server.call("storescu", "+sd", str(sources["stock"]))
                    rates["store"][key].append(count / wall(store))
                    own = [GANTRY, "dicom", "store", f"{server.title}@127.0.0.1:{server.port}", str(sources["own"])]
                    rates["own store"][key].append(count / wall(own))
                    out = Path(f"{folder}/out-{key}")
                    out.mkdir()
                    get = server.call("getscu", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=" + studies["stock"], "-od", str(out))
                    rates["get"][key].append(count / wall(get))
                    if len(list(out.iterdir())) != count:
                        raise RuntimeError(f"{server.title}: getscu received {len(list(out.iterdir()))} of {count} objects")
                    shutil.rmtree(out)
                for source in sources.values():
                    shutil.rmtree(source)
            middle = {name: {key: statistics.median(values) if values else None for key, values in one.items()} for name, one in rates.items()}
            described = ["storescu", "-aec", "AE", "127.0.0.1", "PORT", "+sd", "FOLDER"], ["gantry", "dicom", "store", "AE@127.0.0.1:PORT", "FOLDER"], ["getscu", "-S", "-aec", "AE", "..."]
            yield from web_rows(folder, ours, theirs, archive)
            for (name, words), command in zip((("store", "C-STORE of 0.5 MB, storescu"), ("own store", "C-STORE of 0.5 MB, gantry dicom store"), ("get", "C-GET of 0.5 MB, getscu")), described):
                if theirs or name != "store":
                    yield row("archive", words, "rate", "1/s", middle[name]["ours"], middle[name]["theirs"], "Orthanc" if theirs else "", rounds, command, command, larger_is_better=True)


def long_association(folder, ours, archive):
    """A CT of 500 slices over one association beside the floor of the disk; the first round warms up. Neither side has to wait for the disk to take the sources."""
    count, rates, floors = 500, [], []
    for turn in range(6):
        source = archive.write_study(f"{folder}/long", f"1.2.826.0.1.3680043.9.9997.{os.getpid()}.{turn}", count)
        os.sync()
        floors.append(archive.fsync_floor(f"{folder}/floor", source, count))
        command = ours.call("storescu", "+sd", str(source))
        rates.append(count / wall(command))
        shutil.rmtree(source)
    return row("archive", f"C-STORE of {count} x 0.5 MB, storescu", "rate", "1/s", statistics.median(rates[1:]), statistics.median(floors[1:]), "fsync and rename of each file", 5,
               ["storescu", "-aec", "AE", "127.0.0.1", "PORT", "+sd", "FOLDER"], larger_is_better=True)


def suite_learning():
    sys.path.insert(0, str(ROOT / "bench"))
    import learning

    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        yield from learning.rows(ROOT, GANTRY, str(BIN / "gantry_learning_bench"), DATA, folder, row, reported)


def suite_training():
    sys.path.insert(0, str(ROOT / "bench"))
    import learning

    if not DATA:
        return
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        yield from learning.trainings(ROOT, GANTRY, DATA, folder, row)


def web_rows(folder, ours, theirs, archive):
    """DICOMweb over keep-alive connections: the list of 100 studies, frames of 0.5 MB."""
    import archive_web

    root = f"1.2.826.0.1.3680043.9.9998.{os.getpid()}"
    small, frames = archive.write_list(f"{folder}/list", root, 100), archive.write_study(f"{folder}/frames", root + ".999", 20)
    servers = [server for server in (ours, theirs) if server is not None]
    for server in servers:
        for source in (small, frames):
            subprocess.run([GANTRY, "dicom", "store", f"{server.title}@127.0.0.1:{server.port}", str(source), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    lists, rates = {server.title: [] for server in servers}, {server.title: [] for server in servers}
    for _ in range(3):
        for server in (server for server in servers if server.web):
            lists[server.title].append(1000 * archive_web.list_seconds(server.http_port, server.login, f"{server.web}/studies?limit=100", 100, 50 if server is ours else 5))
            targets = [f"{server.web}/studies/{root}.999/series/{root}.999.1/instances/{root}.999.1.{number}/frames/1" for number in range(1, 21)]
            rates[server.title].append(archive_web.frame_rate(server.http_port, server.login, targets, 2, 3))
    for case, metric, unit, values, larger in (("QIDO list of 100 studies, p50", "wall", "ms", lists, False), ("WADO frames of 0.5 MB, 2 connections", "rate", "1/s", rates, True)):
        peer = theirs and values[theirs.title]
        yield row("archive", case, metric, unit, statistics.median(values[ours.title]), statistics.median(peer) if peer else None, "Orthanc" if peer else "", 3, larger_is_better=larger)


def keep(suite, rows):
    """Takes the rows of one suite into docs/reference/measured.json in the place of those it had; ./dev docs shows them in the index of operations."""
    path = ROOT / "docs/reference/measured.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    fields = ("operation", "case", "metric", "unit", "gantry", "peer", "peer_name", "gantry_command")
    version = subprocess.run([GANTRY, "version", "--json"], check=True, capture_output=True, text=True).stdout
    kept[suite] = {"date": datetime.date.today().isoformat(), "version": json.loads(version)["gantry_version"], "machine": machine(), "rows": [{key: one[key] for key in fields} | {"gantry_command": re.sub(r"/tmp/tmp\w+/?", "", one["gantry_command"])} for one in rows]}
    path.write_text(json.dumps(dict(sorted(kept.items())), indent=1, default=float) + "\n")


def main():
    words = sys.argv[1:]
    target = None
    if "--json" in words:
        at = words.index("--json")
        target = Path(words[at + 1])
        del words[at : at + 2]
    record = "--record" in words
    words = [word for word in words if word != "--record"]
    suites = {"start": suite_start, "io": suite_io, "volume": suite_volume, "analyze": suite_analyze, "compression": suite_compression, "reconstruction": suite_reconstruction, "statistics": suite_statistics, "annotation": suite_annotation, "cohort": suite_cohort, "filter": suite_filter, "quality": suite_quality, "radiotherapy": suite_radiotherapy, "radiomics": suite_radiomics, "registration": suite_registration, "report": suite_report, "video": suite_video, "retrieval": suite_retrieval, "generation": suite_generation, "archive": suite_archive, "learning": suite_learning, "training": suite_training}
    for word in words:
        if word not in suites:
            sys.exit(f"bench: unknown suite {word}; there are {', '.join(suites)}")
    rows = []
    for name in words or [name for name in suites if name != "training"]:
        first = len(rows)
        for one in suites[name]():
            rows.append(one)
            if record:
                keep(name, rows[first:])
            compared = f"{one['peer']:>12.4g} {one['peer_name']:<36} x{one['ratio']:.2f}" if one["peer"] is not None else ""
            print(f"{one['suite']:<8} {one['case']:<48} {one['gantry']:>12.4g} {one['unit']:<4}{compared}", flush=True)
    if target:
        target.write_text(json.dumps(rows, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
