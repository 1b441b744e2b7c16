#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Pictures of operations whose results are words or points, as SVG: svg_pictures.py FOLDER SUMMARY. The program `gantry` of PATH does the work."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

SENTENCES = [
    ("pleural effusion", "No pleural effusion or pneumothorax."),
    ("nodule", "There is a nodule of 8 mm in the right upper lobe, without calcification."),
    ("calcification", "There is a nodule of 8 mm in the right upper lobe, without calcification."),
    ("haemorrhage", "Old infarct; acute haemorrhage was ruled out."),
    ("consolidation", "No change of the consolidation at the left base."),
    ("chest pain", "The patient denies dyspnoea but has had chest pain since Monday."),
    ("胸腔积液", "双侧胸腔未见积液，右侧少量胸腔积液。"),
    ("占位", "轻度脂肪肝，肝内未见占位。"),
    ("肺栓塞", "不能排除肺栓塞，建议行CTPA检查。"),
    ("幽门螺杆菌", "幽门螺杆菌阴性。"),
]
INK, QUIET, LINE, WARM, COOL = "#14181f", "#586474", "#dde3e8", ("#a3231f", "#fdeceb"), ("#1f6b3b", "#e9f5ed")


def page(width, height, parts):
    font = "Inter, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{font}" font-size="15" fill="{INK}">\n'
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def marked(sentence, words, trigger, colour):
    """The sentence with the concept in bold colour and the word that negates underlined."""
    text = escape(sentence)
    place = text.lower().rfind(words.lower())
    pieces = [(place, place + len(words), f'font-weight="700" fill="{colour}"')]
    if trigger and (at := text.lower().find(trigger.lower())) >= 0:
        pieces.append((at, at + len(trigger), 'text-decoration="underline"'))
    for begin, end, style in sorted(pieces, reverse=True):
        text = f"{text[:begin]}<tspan {style}>{text[begin:end]}</tspan>{text[end:]}"
    return text


def negation(folder):
    with tempfile.TemporaryDirectory() as work:
        table, out = Path(work, "sentences.tsv"), Path(work, "statuses.json")
        table.write_text("concept\tsentence\n" + "".join(f"{a}\t{b}\n" for a, b in SENTENCES))
        subprocess.run(["gantry", "report", "negation", str(table), str(out), "--quiet"], check=True)
        statuses = json.loads(out.read_text())
    parts = []
    for n, ((words, sentence), status) in enumerate(zip(SENTENCES, statuses)):
        y, (colour, tint) = 20 + 36 * n, WARM if status["status"] == "negated" else COOL
        parts.append(f'<rect x="20" y="{y}" width="84" height="26" rx="13" fill="{tint}"/><text x="62" y="{y + 18}" text-anchor="middle" font-size="13" fill="{colour}">{status["status"]}</text>')
        parts.append(f'<text x="120" y="{y + 18}">{marked(sentence, words, status["trigger"], colour)}</text>')
    Path(folder, "report.negation.svg").write_text(page(720, 40 + 36 * len(SENTENCES) - 10, parts))


def broken(line, width):
    """Lines of at most `width` half-width characters, broken at spaces and between Chinese characters, none beginning with a sign that ends something."""
    lines, used = [""], 0
    for word in re.findall(r"[!-~\u2000-\u206f\u2212\u00b2\u00b3\xa0]+ ?|.", line):
        size = sum(2 if ord(c) > 0x2E00 else 1 for c in word)
        if used + size > width and word not in "，。；：、）":
            lines.append("")
            used = 0
        lines[-1] += word
        used += size
    return lines


def text(folder, summary):
    parts, y = [], 36
    for language in ("en", "zh"):
        with tempfile.TemporaryDirectory() as work:
            out = Path(work, "text.txt")
            subprocess.run(["gantry", "report", "text", summary, str(out), "--language", language, "--quiet"], check=True)
            lines = out.read_text().splitlines()
        for line in [*lines[:6], "…", *lines[-2:]]:
            for n, piece in enumerate(broken(line, 104)):
                parts.append(f'<text x="{24 if n == 0 else 44}" y="{y}" fill="{QUIET if line in lines[-2:] else INK}">{escape(piece)}</text>')
                y += 23
        if language == "en":
            parts.append(f'<line x1="24" y1="{y - 6}" x2="836" y2="{y - 6}" stroke="{LINE}"/>')
            y += 18
    Path(folder, "report.text.svg").write_text(page(860, y, parts))


def mesh(folder):
    """A mesh of points before and after `phantom:bend`, seen from the front."""
    steps = range(-28, 29, 4)
    with tempfile.TemporaryDirectory() as work:
        before, after = Path(work, "before.csv"), Path(work, "after.csv")
        before.write_text("x,y,z\n" + "".join(f"{x},0,{z}\n" for z in steps for x in steps))
        subprocess.run(["gantry", "registration", "apply-points", str(before), "phantom:bend", str(after), "--cache", "off", "--quiet"], check=True)
        meshes = [[[float(word) for word in line.split(",")] for line in path.read_text().splitlines()[1:]] for path in (before, after)]
    parts, wide = [], len(steps)
    for points, colour in zip(meshes, (LINE, "#0b6e75")):
        places = [f"{240 + 7 * x:.1f},{250 - 7 * z:.1f}" for x, _, z in points]
        lines = [places[n:n + wide] for n in range(0, len(places), wide)] + [places[n::wide] for n in range(wide)]
        parts += [f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="1.5"/>' for line in lines]
    Path(folder, "registration.apply_points.svg").write_text(page(480, 480, parts))


if __name__ == "__main__":
    mesh(sys.argv[1])
    negation(sys.argv[1])
    text(*sys.argv[1:3])
