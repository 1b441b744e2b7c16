#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Packs the OHIF viewer (MIT licence) for the server: fetch.sh OUT. The package comes as package.txt pins it; left out are source maps and the
# runtime of browser-side networks (two thirds of its size), which no mode needs that the server offers.
set -euo pipefail
out=$(realpath -m "${1:?usage: fetch.sh OUT}")
here=$(dirname "$(readlink -f "$0")")
cache=$here/../../.cache/viewer
read -r package integrity < "$here/package.txt"
stamp=$(cat "$here"/{package.txt,app-config.js,fetch.sh,move_scripts.py} | sha256sum | cut -c1-64)
[ "$(cat "$out/.stamp" 2>/dev/null)" != "$stamp" ] || exit 0

mkdir -p "$cache"
file=$cache/${integrity//[^A-Za-z0-9]/}.tgz
digest_of() { printf 'sha512-%s' "$(openssl dgst -sha512 -binary "$1" | base64 -w0)"; }
if [ ! -f "$file" ] || [ "$(digest_of "$file")" != "$integrity" ]; then
  printf 'viewer: fetching %s (50 MB)\n' "$package"
  rm -rf "$cache/new"
  mkdir "$cache/new"
  if ! (cd "$cache/new" && npm pack --silent --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 "$package" > /dev/null); then
    printf 'viewer: %s could not be fetched from the npm registry\n' "$package" >&2
    exit 1
  fi
  found=$(digest_of "$cache"/new/*.tgz)
  if [ "$found" != "$integrity" ]; then
    rm -rf "$cache/new"
    printf 'viewer: %s must have the integrity %s; got %s\n' "$package" "$integrity" "$found" >&2
    exit 1
  fi
  mv "$cache"/new/*.tgz "$file"
  rm -rf "$cache/new"
fi

rm -rf "$out.new"
mkdir -p "$out.new"
tar -xzf "$file" -C "$out.new" --strip-components=2 --exclude='*.map' --exclude='package/dist/ort' package/dist
tar -xzf "$file" -C "$out.new" --strip-components=1 package/LICENSE
cp "$here/app-config.js" "$out.new/"
# A service worker at the root would stand between the console and its server.
rm -f "$out.new"/{sw.js,_headers,_redirects,serve.json,google.js}
printf '// No service worker.\n' > "$out.new/init-service-worker.js"
python3 "$here/move_scripts.py" "$out.new/index.html"
# As it reads a segmentation whose segments overlap, the viewer loses what a segment has on slices where those before it have nothing: forEach
# passes by the holes of an array.
loss='largerArray.forEach((_, currentImageIndex)'
if [ "$(cat "$out.new"/*.js | grep -cF "$loss")" != 1 ]; then
  printf 'viewer: what mends its reading of segmentations no longer fits %s\n' "$package" >&2
  exit 1
fi
sed -i 's/largerArray\.forEach((_, currentImageIndex)/Array.from(largerArray).forEach((_, currentImageIndex)/' "$out.new"/*.js
printf '%s\n' "$stamp" > "$out.new/.stamp"
chmod -R u=rwX,go=rX "$out.new"
rm -rf "$out"
mv "$out.new" "$out"
