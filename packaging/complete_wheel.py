#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Completes a wheel that auditwheel repaired: adds the libraries that its policy leaves to the desktop (X11, GLib and what they need), so that
the module loads in a bare container, and Debian's copyright file of every library. Usage: complete_wheel.py WHEEL (changed in place)"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

from auditwheel.wheeltools import InWheelCtx

# Every system that runs Python has these, and two copies of them in one process do harm.
FROM_THE_SYSTEM = r"(ld-linux-x86-64|linux-vdso|libc|libm|libgcc_s|libstdc\+\+|libdl|libpthread|librt|libresolv)\.so"


def needed_outside(wheel):
    """Libraries, by name, that loading the wheel's programs takes from the system."""
    found = {}
    for program in [*wheel.glob("gantry/_native*.so"), wheel / "gantry/libexec/gantry/gantry-decode", *wheel.glob("gantry.libs/*")]:
        for line in subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout.split("\n"):
            match = re.match(r"\s*(\S+) => (/\S+)", line)
            if match and not match[2].startswith(str(wheel)) and not re.match(FROM_THE_SYSTEM, match[1]):
                found[match[1]] = Path(match[2])
    return found


def copyright_of(library):
    """Debian's copyright file of the package that holds `library`, which may carry auditwheel's hash in its name."""
    name = re.sub(r"-[0-9a-f]{8}(?=\.|$)", "", library.name)
    for pattern in (f"*/{name}", f"*/{name.split('.so')[0]}.so.*"):
        listed = subprocess.run(["dpkg-query", "-S", pattern], capture_output=True, text=True).stdout.split("\n")
        for line in listed:
            package = line.partition(":")[0]
            file = Path("/usr/share/doc") / package / "copyright"
            if package and file.exists():
                return package, file
    return None, None


def main():
    wheel = Path(sys.argv[1]).resolve()
    missing = []
    with InWheelCtx(wheel, wheel) as context:
        folder = Path(context.name).resolve()
        for name, path in needed_outside(folder).items():
            target = folder / "gantry.libs" / name
            shutil.copy(path.resolve(), target)
            target.chmod(0o755)
        for library in (folder / "gantry.libs").iterdir():
            subprocess.run(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", str(library)], check=True)
        licences = next(folder.glob("gantry-*.dist-info")) / "licenses/debian"
        licences.mkdir(parents=True)
        for library in sorted((folder / "gantry.libs").iterdir()):
            package, file = copyright_of(library)
            if package is None:
                missing.append(f"{library.name}: no copyright file found")
            else:
                shutil.copy(file.resolve(), licences / f"{package}.txt")
        left = needed_outside(folder)
        if left:
            missing += [f"{name} is still taken from {path}" for name, path in left.items()]
    for problem in missing:
        print(f"{wheel.name}: {problem}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
