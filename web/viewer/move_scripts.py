#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Moves the inline scripts of a page into files beside it, since the server's content security policy allows no others: move_scripts.py PAGE"""
import re
import sys
from pathlib import Path

page = Path(sys.argv[1])
count = 0


def moved(found):
    global count
    count += 1
    name = f"page-{count}.js"
    (page.parent / name).write_text(found.group(1) + "\n")
    return f'<script src="/{name}"></script>'


page.write_text(re.sub(r"<script>(.+?)</script>", moved, page.read_text(), flags=re.S))
