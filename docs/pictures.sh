#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Makes the pictures of the reference pages out of a digital patient and phantoms: ./dev docs pictures
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/build/release/bin:$PATH
out=$PWD/docs/reference/operations/pictures
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

show() { gantry visualization overlay "$1" empty.nii "$out/$2.png" --plane coronal --pixels 480 --quiet "${@:3}"; }
outline() { gantry visualization overlay ct.nii "$1" "$out/$2.png" --plane coronal --pixels 480 --centre 40 --width 400 --quiet; }

gantry simulation digital-patient patient --seed 1 --size small --quiet
gantry convert patient/dicom ct.nii --quiet
gantry segmentation threshold ct.nii empty.nii --lower 5000 --quiet
gantry segmentation threshold ct.nii bone.nii --lower 250 --quiet

gantry filter gaussian ct.nii a.nii --sigma 4 --quiet && show a.nii filter.gaussian --centre 40 --width 400
gantry filter median ct.nii a.nii --quiet && show a.nii filter.median --centre 40 --width 400
gantry filter resample ct.nii a.nii --spacing 6,6,6 --quiet && gantry segmentation threshold a.nii empty6.nii --lower 5000 --quiet &&
  gantry visualization overlay a.nii empty6.nii "$out/filter.resample.png" --plane coronal --pixels 480 --centre 40 --width 400 --quiet
gantry filter distance bone.nii a.nii --quiet && show a.nii filter.distance --centre 40 --width 80
gantry filter morphology bone.nii a.nii --quiet && outline a.nii filter.morphology
outline bone.nii segmentation.threshold
gantry segmentation otsu ct.nii a.nii --quiet && outline a.nii segmentation.otsu
gantry segmentation connected-components bone.nii a.nii --quiet && outline a.nii segmentation.connected_components
gantry segmentation threshold ct.nii a.nii --lower 300 --quiet && outline a.nii segmentation.compare
gantry visualization mip ct.nii "$out/visualization.mip.png" --quiet
gantry visualization overlay ct.nii patient/labels.nii.gz "$out/visualization.overlay.png" --plane coronal --pixels 480 --centre 40 --width 400 --quiet
gantry visualization reformat phantom:box oblique.nii --plane oblique --normal 1,1,1 --interpolation linear --quiet
gantry visualization mip oblique.nii "$out/visualization.reformat.png" --plane sagittal --slab 3 --quiet
rm -f "$out"/*.provenance.json
