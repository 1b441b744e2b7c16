#!/bin/bash
# Trains the model of this folder anew: train.sh SARCOMA OUT; SARCOMA holds STS_001 to STS_039, each with a PET_image.nii.gz, as IBSI publishes
# them. Fold 0 is held out and measured. Run again after an interruption it goes on from its checkpoint.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
sarcoma=$(readlink -f "$1")
mkdir -p "$2/images"
for patient in "$sarcoma"/STS_*; do ln -sf "$patient/PET_image.nii.gz" "$2/images/$(basename "$patient").nii.gz"; done
exec gantry train "$2" --task denoising -o "$2/pet_denoising" --describe "$here/description.json" --widths 32,32,32,32 --epochs 1200 --learning-rate 0.002 --device cpu \
  --threads "${THREADS:-2}" --seed 1
