#!/bin/bash
# Trains the model of this folder anew: train.sh DATASET OUT [FOLD]; DATASET holds images and labels of the hippocampus task of the Medical
# Segmentation Decathlon. The fold (0 to 4) is held out and measured. Run again after an interruption it goes on from its checkpoint.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
exec gantry train "$1" --task segmentation -o "$2/fold_${3:-0}/hippocampus" --classes background,hippocampus_anterior,hippocampus_posterior \
  --describe "$here/description.json" --fold "${3:-0}" --epochs 32 --device cpu --threads "${THREADS:-2}" --seed 1
