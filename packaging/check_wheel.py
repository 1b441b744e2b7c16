#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Installs a wheel into a clean virtual environment and uses it as a stranger would: its size, its platform, what it carries, no library of
the deny-list, an analysis, and the tests of the Python module. Usage: check_wheel.py WHEEL"""
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 80 << 20
PARTS = ("gantry/lib/libgantry.so", "gantry/libexec/gantry/gantry-decode", "gantry/share/gantry/profiles/", "gantry/share/gantry/models/",
         "gantry/py.typed", "gantry/filter.pyi")
USE = """
import gantry, numpy, pathlib
assert str(pathlib.Path(gantry.__file__).resolve()).startswith({folder!r}), gantry.__file__
image = gantry.read({study!r})
summary = gantry.analyze({study!r}, "result", cache="off")
assert summary["studies"][0]["series"], summary
print("read", image)
"""


def problems_of(wheel):
    size = wheel.stat().st_size
    if size > LARGEST:
        yield f"{wheel.name}: {size >> 20} MB; at most {LARGEST >> 20}"
    if "manylinux_2_36_x86_64" not in wheel.name:
        yield f"{wheel.name}: is not for manylinux_2_36"
    names = zipfile.ZipFile(wheel).namelist()
    for part in PARTS:
        if not any(name.startswith(part) for name in names):
            yield f"{wheel.name}: holds no {part}"
    for name in names:
        if any(word in Path(name).name for word in ("gantry_torch", "libtorch", "libc10")):
            yield f"{wheel.name}: holds {name}; LibTorch is large and a package of its own"
    denied = [line.strip() for line in (ROOT / "tests/house/deny.txt").read_text().split("\n") if line.strip() and not line.startswith("#")]
    for name in names:
        if any(Path(name).name.startswith(word) for word in denied):
            yield f"{wheel.name}: holds {name}, which is under the GPL"


def main():
    wheel = Path(sys.argv[1]).resolve()
    found = list(problems_of(wheel))
    for problem in found:
        print(problem)
    if found:
        return 1
    with tempfile.TemporaryDirectory(prefix="gantry-wheel-") as folder:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GANTRY", "LD_"))}
        python = f"{folder}/venv/bin/python3"
        subprocess.run(["/usr/bin/python3", "-m", "venv", f"{folder}/venv"], check=True, env=clean)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)], check=True, env=clean)
        subprocess.run([str(ROOT / "build/release/bin/gantry"), "simulation", "digital-patient", f"{folder}/patient", "--seed", "1", "--modality", "mr",
                        "--size", "small", "--quiet"], check=True, env=clean)
        code = USE.format(folder=str(Path(folder).resolve()), study=f"{folder}/patient/dicom")
        subprocess.run([python, "-c", code], check=True, env=clean, cwd=folder)
        for test in sorted((ROOT / "python/tests").glob("test_*.py")):
            subprocess.run([python, str(test)], check=True, env=clean, cwd=folder)
    print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.1f} MB, installed and used in a clean virtual environment")
    return 0


if __name__ == "__main__":
    sys.exit(main())
