#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Checks of the repository itself; each is one test. Usage: check.py NAME [PROGRAM...]"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = {".h", ".cpp", ".py", ".cmake", ".ts", ".tsx"}


def tracked(*patterns):
    """Files that git tracks, or all files of a source tree without git (a tarball)."""
    try:
        names = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and not {"build", ".git", ".venv", "dist", "node_modules"} & set(p.relative_to(ROOT).parts)]
    return [ROOT / n for n in names if n and (ROOT / n).is_file()]


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def name(path):
    return str(path.relative_to(ROOT))


def check_format():
    files = [str(p) for p in tracked() if p.suffix in {".h", ".cpp"}]
    run = subprocess.run(["clang-format-16", "--dry-run", "-Werror", *files], capture_output=True, text=True)
    places = sorted({line.split(":")[0] for line in run.stderr.split("\n") if "error:" in line})
    return [f"{Path(p).relative_to(ROOT)}: differs from .clang-format; run ./dev format" for p in places]


def check_layering():
    layers = [line.strip() for line in text(ROOT / "src/gantry/layers.txt").split("\n") if line.strip() and not line.startswith("#")]
    rank = {layer: n for n, layer in enumerate(layers)}
    found = []
    for path in tracked():
        parts = path.relative_to(ROOT).parts
        if parts[:2] != ("src", "gantry") or path.suffix not in {".h", ".cpp"}:
            continue
        layer = parts[2]
        if layer not in rank:
            found.append(f"{name(path)}: folder {layer} is not in layers.txt")
            continue
        # A test may use what stands above its subject: phantoms, digital patients, the catalogue.
        if path.name.endswith(("_test.cpp", "_bench.cpp", "_test.h")):
            continue
        declared = re.search(r"DEPENDS ([^\n)]*)", text(ROOT / "src/gantry" / layer / "CMakeLists.txt"))
        links = set(declared.group(1).split()) if declared else set()
        for target in re.findall(r'#include "gantry/(\w+)/', text(path)):
            if target == layer:
                continue
            if rank.get(target, 99) > rank[layer]:
                found.append(f"{name(path)}: {layer} may not include {target} (layers.txt)")
            elif target not in links:
                found.append(f"{name(path)}: includes {target}, which {layer}/CMakeLists.txt does not name in DEPENDS")
    return found


def check_size():
    found = []
    for path in tracked():
        if path.suffix in SOURCE or path.name == "dev":
            lines = text(path).count("\n")
            if lines > 600:
                found.append(f"{name(path)}: {lines} lines; at most 600")
    return found


def check_words():
    found = []
    banned = [line.split("\t") for line in text(ROOT / "tests/house/banned.txt").split("\n") if line and not line.startswith("#")]
    for path in tracked():
        if path.suffix not in SOURCE | {".md", ".txt", ".json", ".case", ".html", ".css"} or path.name in {"banned.txt", "check.py"}:
            continue
        content = text(path)
        for word, why in banned:
            for match in re.finditer(rf"\b{word}\b", content, re.I if word.islower() else 0):
                found.append(f"{name(path)}:{content.count(chr(10), 0, match.start()) + 1}: '{word}': {why}")
    return found


def check_headers():
    """Every declaration at namespace level of a public header has a comment."""
    found = []
    for path in tracked():
        if path.suffix != ".h" or path.name.endswith("_test.h") or not name(path).startswith("src/"):
            continue
        lines = text(path).split("\n")
        if not lines[0].startswith("// SPDX-License-Identifier"):
            found.append(f"{name(path)}: does not begin with the SPDX lines")
        if "#pragma once" not in lines[:6]:
            found.append(f"{name(path)}: has no #pragma once")
        documented = detail = False
        for n, line in enumerate(lines):
            detail = line.endswith("_detail {") or (detail and not line.startswith("}  // namespace"))
            if detail:
                continue
            if line.startswith("///") or line.startswith("// "):
                documented = True
            elif line.startswith("template"):
                documented = documented or re.match(r"template <>|template <class \w+>$", line) is not None and documented
            elif re.match(r"(class|struct|enum class) \w+( final)?( :[^;]*)? \{", line) and not documented:
                found.append(f"{name(path)}:{n + 1}: no comment: {line[:60]}")
                documented = False
            elif not line.strip():
                documented = False
    return found


def check_spelling():
    files = [str(p) for p in tracked() if p.suffix in {".md", ".h", ".cpp", ".py", ".txt"} and "zh" not in p.name]
    run = subprocess.run(["codespell", "--ignore-words", str(ROOT / "tests/house/spelling.txt"), *files], capture_output=True, text=True)
    return [line for line in run.stdout.split("\n") if line]


def check_generated():
    run = subprocess.run([sys.executable, str(ROOT / "docs/generate.py"), "--check"], capture_output=True, text=True)
    return [] if run.returncode == 0 else (run.stdout + run.stderr).strip().split("\n")


def check_licences(*programs):
    denied = [line.strip() for line in text(ROOT / "tests/house/deny.txt").split("\n") if line.strip() and not line.startswith("#")]
    found = []
    for program in programs:
        for line in subprocess.run(["ldd", program], capture_output=True, text=True).stdout.split("\n"):
            library = line.strip().split(" ")[0]
            if any(library.startswith(word) for word in denied):
                found.append(f"{Path(program).name}: links {library}")
    return found


def check_plugins(program):
    run = subprocess.run([program, "version"], capture_output=True, text=True, env={**os.environ, "LD_DEBUG": "files"})
    return sorted({f"gantry version maps {m}" for m in re.findall(r"\S*libgantry_\w+\.so\S*", run.stderr)})


def check_readme(program):
    """The commands of the README run as they stand, in an empty folder; demo and test themselves are left to the caller."""
    found, done = [], set()
    for readme in ("README.md", "README.zh-CN.md"):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PATH": f"{Path(program).parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": folder + "/cache"}
            for block in re.findall(r"```sh\n(.*?)```", text(ROOT / readme), re.S):
                commands = "\n".join(line for line in block.split("\n") if not re.match(r"\s*(\./dev|sudo|git clone|cd )", line))
                if commands in done:  # in the other language
                    continue
                done.add(commands)
                run = subprocess.run(["bash", "-ec", commands], cwd=folder, env=environment, capture_output=True, text=True)
                if run.returncode != 0:
                    found.append(f"{readme}: exit {run.returncode}: {commands.strip()}\n{run.stderr.strip()}")
    return found


def main():
    problems = globals()["check_" + sys.argv[1]](*sys.argv[2:])
    for problem in problems:
        print(problem)
    if problems:
        print(f"{sys.argv[1]}: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
