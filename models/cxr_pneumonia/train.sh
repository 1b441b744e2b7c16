#!/bin/bash
# Trains the model of this folder anew: train.sh DATASET OUT [SEED]; DATASET is PneumoniaMNIST (pneumoniamnist.npz of MedMNIST v2).
# Four minutes of processor time on one core. Copy manifest.json, card.md, weights.safetensors and novelty.safetensors from OUT/cxr_pneumonia to ship them.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
exec gantry train "$1" --task classification -o "$2/cxr_pneumonia" --classes normal,pneumonia --describe "$here/description.json" \
  --blocks 1 --epochs 20 --prior even --threads 1 --seed "${3:-1}"
