#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Installs a build into an empty folder, as a Debian package is filled, and uses the program and the Python module from there.
Usage: install_test.py BUILD [with-python]"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = ("bin/gantry", "lib/gantry/libgantry.so", "lib/gantry/libgantry_drawing", "libexec/gantry/gantry-decode", "lib/systemd/system/gantry.service",
         "share/gantry/profiles/head_mr.json", "share/gantry/models/cxr_pneumonia/weights.safetensors", "share/doc/gantry/LICENSE")
USE = """
import pathlib, sys
import gantry
tree = sys.argv[1]
assert gantry.__file__.startswith(tree), gantry.__file__
smoothed = gantry.filter.gaussian("phantom:impulse", sigma=2)
assert abs(smoothed.array.max() - 0.00794) < 5e-5, smoothed.array.max()  # (2 pi 4)^(-3/2), a little lower on the grid
loaded = {line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().split("\\n") if "libgantry" in line}
assert loaded and all(path.startswith(tree) for path in loaded), loaded
"""


def main():
    build, with_python = sys.argv[1], "with-python" in sys.argv[2:]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GANTRY", "LD_"))}
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        subprocess.run(["cmake", "--install", build, "--prefix", "/usr"], check=True, env={**clean, "DESTDIR": folder}, stdout=subprocess.DEVNULL)
        tree = Path(folder, "usr")
        files = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()]
        missing = [part for part in PARTS if not any(name.startswith(part) for name in files)]
        assert not missing, f"not installed: {missing}"
        assert len(files) == sum(1 for path in Path(folder).rglob("*") if not path.is_dir()), "something was installed outside the prefix"
        subprocess.run([tree / "bin/gantry", "filter", "gaussian", "phantom:sphere", Path(folder, "out.nii.gz"), "--quiet"], check=True, env=clean)
        if with_python:
            module = tree / "lib/python3/dist-packages"
            subprocess.run(["/usr/bin/python3", "-c", USE, str(tree)], check=True, env={**clean, "PYTHONPATH": str(module)}, cwd=folder)


main()
