#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Writes the generated parts of the reference: parameter tables, index of operations, command help, pipeline schema,
type stubs of the Python module.
With --check nothing is written; exit 1 names the files that would change."""
import json
import re
import subprocess
import sys
from pathlib import Path

from python_stubs import stubs

ROOT = Path(__file__).resolve().parents[1]
GANTRY = ROOT / "build/release/bin/gantry"
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def gantry(*words):
    return subprocess.run([str(GANTRY), *words], capture_output=True, text=True, check=True).stdout


def kebab(word):
    return word.replace("_", "-")


def shown(value):
    if value is None:
        return "none"
    if isinstance(value, list):
        return ",".join(f"{v:g}" for v in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value) or "empty"


def ports(rows, title):
    text = f"\n| {title} | type | what |\n|---|---|---|\n"
    for row in rows:
        kind = row["type"] + (", optional" if row["optional"] else "") + (", one or more" if row["variadic"] else "")
        text += f"| `{row['name']}` | {kind} | {row['description']} |\n"
    return text


def tables(operation):
    family, name = operation["id"].split(".", 1)
    pictures = [path for ending in (".png", ".svg") if (path := ROOT / "docs/reference/operations/pictures" / (operation["id"] + ending)).exists()]
    text = "".join(f"\n![{operation['id']}](pictures/{picture.name})\n\nMade by `docs/pictures.sh`.\n" for picture in pictures)
    text += ports(operation["inputs"], "input") + ports(operation["outputs"], "output")
    properties = operation["parameters"]["properties"]
    if properties:
        text += "\n| parameter | default | unit | rule | what |\n|---|---|---|---|---|\n"
        for key, schema in properties.items():
            text += f"| `{key}` | {shown(schema.get('default'))} | {schema.get('x-unit', '')} | must {operation['rules'][key]} | {schema['description']} |\n"
    text += "\n```\n" + "\n".join(operation["examples"]) + "\n```\n"
    if operation["references"]:
        text += "\nReferences\n\n" + "".join(f"- {reference}\n" for reference in operation["references"])
    return text


def page(path, operation, old):
    block = f"{BEGIN}\n{tables(operation)}\n{END}"
    if BEGIN in old and END in old:
        return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, old, flags=re.S)
    return f"# {operation['id']}\n\n{operation['summary']}\n\n{block}\n"


def measured(operations):
    """What `./dev bench --record` kept."""
    kept = json.loads((ROOT / "docs/reference/measured.json").read_text())
    text = "\n## Measured\n\nBy `./dev bench SUITE --record`, each beside its peer in the same run, medians; anyone can run it again. More in [measured.json](measured.json).\n\n"
    text += "| suite | operation | what | Gantry | peer |\n|---|---|---|---|---|\n"
    for suite, run in kept.items():
        for row in run["rows"]:
            words = row["gantry_command"].split()
            name = row.get("operation") or (f"{words[1]}.{words[2].replace('-', '_')}" if len(words) > 2 else "")
            link = f"[{name}](operations/{name}.md)" if name in operations else ""
            number = lambda value: f"{value:.4g} {'' if row['unit'] == '1' else row['unit']}".strip()
            peer = "" if row["peer"] is None else f"{number(row['peer'])} {row['peer_name']}"
            text += f"| {suite} | {link} | {row['case']}{'' if row['metric'] == 'wall' or row['metric'].lower() in row['case'].lower() else ', ' + row['metric']} | {number(row['gantry'])} | {peer} |\n"
    runs = {}
    for suite, run in kept.items():
        runs.setdefault((run["date"], run["version"], run["machine"]), []).append(suite)
    return text + "".join(f"\n{', '.join(suites)}: {date}, gantry {version}, {machine}.\n" for (date, version, machine), suites in runs.items())


def generated():
    operations = json.loads(gantry("operations", "--json"))["operations"]
    files = {}
    index = "# Operations\n\nGenerated from the declarations; each page tells the mathematics and shows a picture or a figure.\n\n"
    index += "| operation | what it does | inputs | outputs |\n|---|---|---|---|\n"
    for operation in operations:
        path = ROOT / "docs/reference/operations" / (operation["id"] + ".md")
        files[path] = page(path, operation, path.read_text() if path.exists() else "")
        names = lambda rows: ", ".join(f"{r['name']} ({r['type']})" for r in rows)
        index += f"| [{operation['id']}](operations/{operation['id']}.md) | {operation['summary']} | {names(operation['inputs'])} | {names(operation['outputs'])} |\n"
    files[ROOT / "docs/reference/operations.md"] = index + measured({operation["id"] for operation in operations})
    files[ROOT / "docs/reference/pipeline.schema.json"] = gantry("operations", "--pipeline-schema")
    files[ROOT / "docs/reference/openapi.json"] = gantry("serve", "--openapi")
    commands = "# Commands\n\nThe help of every command, as the program prints it. Operations are in [operations.md](operations.md).\n"
    for verb in re.findall(r"^  ([a-z-]+(?: [a-z-]+)?)  ", gantry("--help").split("Operations:")[0], re.M):
        commands += f"\n## gantry {verb}\n\n```\n{gantry(*verb.split(), '--help').strip()}\n```\n"
    files[ROOT / "docs/reference/commands.md"] = commands
    files |= stubs(operations, ROOT / "python/gantry")
    return files


def main():
    stale = []
    for path, content in generated().items():
        if path.exists() and path.read_text() == content:
            continue
        stale.append(path)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'is not up to date; run ./dev docs' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
