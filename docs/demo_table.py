#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Prints what the analysis of a digital patient found beside what is true. Usage: demo_table.py TRUTH.json SUMMARY.json SECONDS"""
import json
import math
import re
import sys
import time


def main():
    truth = json.load(open(sys.argv[1]))
    summary = json.load(open(sys.argv[2]))
    findings = {f["id"]: f for study in summary["studies"] for f in study["findings"]}
    rows = []

    def row(words, true, identifier, unit, digits):
        found = findings.get(identifier, {}).get("value")
        rows.append((words, f"{true:.{digits}f}", "not stated" if found is None else f"{found:.{digits}f}", unit))

    for side in ("left", "right"):
        row(f"{side.title()} lung", truth["volumes_ml"][f"lung_{side}"], f"lung_{side}.volume", "mL", 0)
    if "laa950_percent" in truth:
        row("Lung below -950 HU", truth["laa950_percent"], "lungs.laa950", "%", 1)
    nodules = [f for f in findings.values() if re.fullmatch(r"lung_nodule\.\d+", f["id"])]
    for n, nodule in enumerate(truth.get("nodules", []), 1):
        near = [f for f in nodules if math.dist(f["position_lps_mm"], nodule["center_lps_mm"]) <= max(5, nodule["diameter_mm"])]
        rows.append((f"Nodule {n} ({nodule['type']})", f"{nodule['diameter_mm']:.1f}", f"{near[0]['value']:.1f}" if near else "not found", "mm"))
    print(f"\n{'':<28}{'truth':>10}{'found':>12}")
    for words, true, found, unit in rows:
        print(f"{words:<28}{true:>10}{found:>12} {unit}")
    print(f"\nAnalysed in {time.time() - float(sys.argv[3]):.1f} s")


if __name__ == "__main__":
    main()
