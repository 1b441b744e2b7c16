# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Rows of the suite `compression`: ratio and time of lossless recompression, beside DCMTK's dcmcjpls and GDCM's gdcmconv where they are installed."""
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

CODINGS = ("jpeg_ls", "jpeg_2000", "htj2k")


def peer_of(coding, source, target):
    """One file of the peer's, or nothing."""
    if coding == "jpeg_ls" and shutil.which("dcmcjpls"):
        return "DCMTK dcmcjpls", ["dcmcjpls", str(source), str(target)]
    if coding == "jpeg_2000" and shutil.which("gdcmconv"):
        return "GDCM gdcmconv", ["gdcmconv", "--j2k", str(source), str(target)]
    return None


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def rows(row, data, gantry, runs=3):
    nema = data / "dicom/nema-compression"
    sets = [("mr-t1-head, 384 slices", data / "series/mr-t1-head"), ("mr-t1-contrast-head, 120 slices", data / "series/mr-t1-contrast-head")]
    sets += [(f"NEMA {name}", nema / f"{name}_UNC") for name in ("CT1", "MR1", "NM1", "US1")]
    for name, source in sets:
        files = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file() and path.read_bytes()[128:132] == b"DICM")
        size = sum(path.stat().st_size for path in files)
        for coding in CODINGS:
            with tempfile.TemporaryDirectory() as folder:
                out, report, theirs = Path(folder) / "coded", Path(folder) / "report.json", Path(folder) / "theirs"
                target = out.with_suffix(".dcm") if source.is_file() else out
                command = [gantry, "compression", "recompress", str(source), str(target), "--coding", coding, "--report", str(report), "--quiet"]
                peer = peer_of(coding, files[0], theirs / "0.dcm")

                def ours():
                    shutil.rmtree(out, ignore_errors=True)
                    subprocess.run(command, check=True)

                def others():
                    shutil.rmtree(theirs, ignore_errors=True)
                    theirs.mkdir()
                    for n, path in enumerate(files):
                        subprocess.run(peer_of(coding, path, theirs / f"{n}.dcm")[1], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

                times, peers = [], []
                for _ in range(runs):
                    times.append(seconds(ours))
                    if peer:
                        peers.append(seconds(others))
                said = json.loads(report.read_text())
                words = {"peer_name": peer[0], "peer_command": peer[1]} if peer else {}
                their_size = sum(path.stat().st_size for path in theirs.iterdir()) if peer else None
                yield row("compression", f"{name}, {coding}", "wall", "s", statistics.median(times), statistics.median(peers) if peer else None, runs=runs, gantry_command=command, **words)
                yield row("compression", f"{name}, {coding}", "file bytes", "%", 100 * said["bytes_after"] / size, 100 * their_size / size if peer else None, runs=1, operation="compression.recompress", **words)
                yield row("compression", f"{name}, {coding}", "pixel ratio", "1", said["ratio"], runs=1, larger_is_better=True, operation="compression.recompress")
