#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Builds the console into a folder that it owns: build.sh OUT. Packages come as package-lock.json pins them, anew only when that file changes.
set -euo pipefail
out=$(realpath -m "${1:?usage: build.sh OUT}")
cd "$(dirname "$(readlink -f "$0")")"
exec 9> .build.lock
flock 9  # Several build trees share node_modules.

lock=$(sha256sum package-lock.json | cut -c1-64)
if [ "$(cat node_modules/.lock.sha256 2>/dev/null)" != "$lock" ]; then
  if ! npm ci --no-audit --no-fund --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 > .npm.log 2>&1; then
    tail -5 .npm.log >&2
    printf 'console: not built, because its npm packages could not be installed (web/console/.npm.log); the server shows a plain page in its place\n' >&2
    [ "${GANTRY_REQUIRE_CONSOLE:-}" != 1 ] && exit 0
    exit 1
  fi
  printf '%s\n' "$lock" > node_modules/.lock.sha256
fi

bin=node_modules/.bin
"$bin/tsc" --noEmit
rm -rf "$out.new"
"$bin/vite" build --outDir "$out.new" --emptyOutDir
{
  printf 'The console contains these packages.\n'
  for package in $(node -e 'const l = require("./package-lock.json").packages; for (const p in l) if (p && !l[p].dev && !l[p].optional) console.log(p)'); do
    for text in "$package"/LICENSE "$package"/LICENSE.md "$package"/license; do
      if [ -f "$text" ]; then
        printf '\n==== %s ====\n\n' "${package#node_modules/}"
        cat "$text"
        break
      fi
    done
  done
} > "$out.new/LICENSES.txt"
rm -rf "$out"
mv "$out.new" "$out"
