#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Makes the pictures of the reference pages out of digital patients and phantoms: ./dev docs pictures
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/build/release/bin:$PATH
out=$PWD/docs/reference/operations/pictures
root=$PWD
methods=$PWD/docs/reference/methods/pictures
pages=$PWD/docs/reference/pictures
mkdir -p "$out" "$methods" "$pages"
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

gantry annotation versions phantom:versions a.json --figure "$out/annotation.versions.png" --quiet
for n in -1 0 1; do gantry segmentation threshold ct.nii "rater$n.nii" --lower $((250 + 60 * n)) --quiet; done
gantry annotation agreement a.json --input rater-1.nii --input rater0.nii --input rater1.nii --rule staple --consensus together.nii --quiet &&
  outline together.nii annotation.agreement

gantry statistics roc phantom:readers a.json --score reader_a --second reader_b --label truth --figure "$out/statistics.roc.png" --quiet
gantry statistics survival phantom:remission a.json --time weeks --event relapse --group arm --figure "$out/statistics.survival.png" --quiet
gantry statistics association phantom:features phantom:genes a.csv --figure "$out/statistics.association.png" --quiet

# An MR of the head without the field that it was made with, and how like it is to itself when smoothed.
gantry simulation digital-patient magnet --seed 1 --modality mr --quiet
gantry convert magnet/dicom magnet.nii --quiet
gantry segmentation threshold magnet.nii none.nii --lower 1000000 --quiet
gantry filter n4 magnet.nii even.nii --quiet
gantry visualization overlay even.nii none.nii "$out/filter.n4.png" --plane coronal --pixels 480 --quiet
gantry filter nlm magnet.nii clean.nii --noise rician --search-radius 3 --quiet
gantry visualization overlay clean.nii none.nii "$out/filter.nlm.png" --plane coronal --pixels 480 --quiet
gantry filter gaussian magnet.nii soft.nii --sigma 1 --quiet
gantry quality compare magnet.nii soft.nii a.json --map like.nii --quiet
gantry visualization overlay like.nii none.nii "$out/quality.compare.png" --plane coronal --pixels 480 --quiet

# The grey levels of a region, 16 from the lowest to the highest Hounsfield number of the bones.
gantry segmentation threshold ct.nii bones.nii --lower 150 --upper 1500 --quiet
gantry radiomics extract ct.nii bones.nii a.json --bins 16 --dimensions slices --figure "$out/radiomics.extract.png" --quiet

# The mean of the head from slice to slice.
gantry quality study magnet.nii a.json --modality mr --figure "$out/quality.study.png" --quiet

# The chest turned, and brought back; then the chest of another patient bent onto it.
gantry filter resample ct.nii still.nii --spacing 4,4,4 --quiet
gantry registration apply still.nii phantom:turn still.nii turned.nii --outside -1000 --quiet
gantry registration rigid still.nii turned.nii back.nii --transform turn.json --quiet
gantry segmentation threshold turned.nii outline.nii --lower -300 --quiet
gantry visualization overlay still.nii outline.nii "$out/registration.apply.png" --plane axial --pixels 480 --centre 40 --width 400 --quiet
gantry segmentation threshold back.nii outline.nii --lower -300 --quiet
gantry visualization overlay still.nii outline.nii "$out/registration.rigid.png" --plane axial --pixels 480 --centre 40 --width 400 --quiet
gantry simulation digital-patient other --seed 2 --size small --quiet
gantry convert other/dicom other.nii --quiet
gantry registration bspline ct.nii other.nii a.nii --spacing 16 --figure "$out/registration.bspline.png" --quiet

# A dose that falls off around a sphere, and one that falls off farther out.
gantry filter gaussian phantom:sphere dose.nii --sigma 4 --quiet
gantry filter gaussian phantom:sphere wider.nii --sigma 7 --quiet
gantry radiotherapy dvh dose.nii phantom:two_spheres a.json --figure "$out/radiotherapy.dvh.png" --quiet
gantry radiotherapy gamma dose.nii wider.nii a.json --figure "$out/radiotherapy.gamma.png" --quiet

# Speckle that beats, and the ways of six points in it.
gantry video read phantom:beating a.nii --figure "$out/video.read.png" --quiet
gantry video track phantom:beating a.csv --count 6 --figure "$out/video.track.png" --quiet

slab() { gantry visualization mip "$1" "$out/$2.png" --plane axial --slab 1 --quiet; }
gantry simulation project ct.nii sinogram.nii --views 360 --photons 2e5 --quiet && slab sinogram.nii simulation.project
gantry reconstruction fbp sinogram.nii a.nii --filter hann --unit hu --size 256 --quiet &&
  gantry segmentation threshold a.nii empty.nii --lower 20000 --quiet &&
  gantry visualization overlay a.nii empty.nii "$out/reconstruction.fbp.png" --plane axial --pixels 480 --centre 40 --width 400 --quiet
gantry simulation project phantom:shepp_logan counts.nii --unit attenuation --views 120 --quiet &&
  gantry reconstruction osem counts.nii a.nii --subsets 8 --iterations 4 --size 64 --quiet &&
  gantry segmentation threshold a.nii empty.nii --lower 5000 --quiet &&
  gantry visualization overlay a.nii empty.nii "$out/reconstruction.osem.png" --plane axial --pixels 480 --centre 0.3 --width 0.8 --quiet

gantry reconstruction mr phantom:head a.nii --enlarge 2 --quiet && slab a.nii reconstruction.mr

gantry segmentation threshold phantom:cylinder cyst.nii --upper 0.5 --quiet
printf 'x,y,z\n-20,-20,0\n-20,-10,0\n-20,0,0\n-20,10,0\n-20,20,0\n20,-20,0\n20,-10,0\n20,0,0\n20,10,0\n20,20,0\n' > targets.csv
gantry simulation ultrasound cyst.nii echoes.nii --frequency 1 --pitch 0.4 --density 0 --targets targets.csv --quiet && slab echoes.nii simulation.ultrasound
gantry simulation ultrasound cyst.nii echoes.nii --elements 192 --transmits 11 --angle-range 24 --targets targets.csv --quiet
gantry reconstruction beamform echoes.nii a.nii --angle-range 24 --window hann --scale decibel --last-depth 60 --quiet &&
  gantry segmentation threshold a.nii empty.nii --lower 1 --quiet &&
  gantry visualization overlay a.nii empty.nii "$out/reconstruction.beamform.png" --plane axial --pixels 480 --centre -30 --width 60 --quiet
gantry compression recompress patient/dicom coded --coding htj2k --quiet && gantry visualization mip coded "$out/compression.recompress.png" --plane coronal --slab 1 --quiet

# What the methods of analysis find in a digital patient of each modality. keep RESULT FIGURE PICTURE: the first figure of that name.
keep() { cp "$(find "$1/figures" -name "$2" | sort | head -n 1)" "$methods/$3.png"; }

gantry analyze patient/dicom -o chest --cache off --quiet
keep chest '*-lungs-coronal.png' chest-ct.lungs
keep chest '*-nodule-*.png' chest-ct.nodule
keep chest '*-heart-calcium.png' chest-ct.heart
python3 "$root/docs/svg_pictures.py" "$out" chest/summary.json
gantry analyze patient/dicom -o tissues --profile any_ct --cache off --quiet
keep tissues '*-body-composition.png' any-ct.tissues
gantry simulation digital-patient head --seed 1 --modality mr --quiet
gantry analyze head/dicom -o brain --cache off --quiet
keep brain '*-image-1.png' head-mr.tissues
gantry simulation digital-patient tracer --seed 1 --modality pet --size small --quiet
gantry analyze tracer/dicom -o uptake --cache off --quiet
keep uptake '*-image-1.png' pet.regions
gantry analyze tracer/dicom -o plain --profile other --cache off --quiet
keep plain '*-image-2.png' other.image

# A PET with much noise, and beside it what the network leaves of it.
gantry simulation digital-patient emitter --seed 3 --modality pet --noise 40 --quiet
gantry convert emitter/dicom noisy.nii --quiet
gantry generation denoise noisy.nii clean.nii --quiet
python3 - <<'END'
import array, struct
volumes, heads = [], []
for name in ("noisy.nii", "clean.nii"):
    data = open(name, "rb").read()
    start = int(struct.unpack_from("<f", data, 108)[0])
    heads.append(data[:start])
    volumes.append(array.array("f", data[start:]))
columns = struct.unpack_from("<h", heads[0], 42)[0]
pair = b"".join(volume[at : at + columns].tobytes() for at in range(0, len(volumes[0]), columns) for volume in volumes)
open("pair.nii", "wb").write(heads[0][:42] + struct.pack("<h", 2 * columns) + heads[0][44:] + pair)
END
gantry segmentation threshold pair.nii no_label.nii --lower 1000000 --quiet
gantry visualization overlay pair.nii no_label.nii "$out/generation.denoise.png" --plane coronal --crop false --annotations false --pixels 1000 --quiet

# Eight patients as a cohort, and which of what was measured goes with what they were made with.
for seed in 11 12 13 14 15 16 17 18; do gantry simulation digital-patient "studies/patient-$seed" --seed "$seed" --size small --quiet; done
gantry cohort run studies/* -o cohort --jobs 2 --profile any_ct --cache off --quiet
python3 - <<'END'
import json, pathlib
kinds = ("body", "subcutaneous_fat", "liver", "lung_left", "lung_right")
with open("truth.csv", "w") as table:
    table.write("name," + ",".join("true " + kind for kind in kinds) + "\n")
    for folder in sorted(pathlib.Path("studies").iterdir()):
        truth = json.loads((folder / "truth.json").read_text())["volumes_ml"]
        table.write(",".join([folder.name, *(str(truth[kind]) for kind in kinds)]) + "\n")
END
gantry statistics association cohort/cohort.csv truth.csv a.csv --key name --figure "$pages/cohort.association.png" --quiet

# The digital patient with the labels of its truth.
gantry visualization overlay ct.nii patient/labels.nii.gz "$pages/digital-patient.ct.png" --plane coronal --position 0 --pixels 560 \
  --centre 40 --width 400 --quiet
gantry convert head/dicom mr.nii --quiet
gantry visualization overlay mr.nii head/labels.nii.gz "$pages/digital-patient.mr.png" --plane coronal --position -11 --pixels 560 --quiet

# How good the model that ships is on the official test part, where the data is at hand (docs/test-data.md).
if [ -n "${GANTRY_TEST_DATA:-}" ]; then
  gantry evaluate "$root/models/cxr_pneumonia" "$GANTRY_TEST_DATA/classification/pneumoniamnist" --report films --quiet >/dev/null
  cp films/figures/roc_curve.png "$methods/chest-film.roc.png"
  cp films/figures/reliability.png "$methods/chest-film.reliability.png"
  # Films of the test part, and those of the train part that are most like them (PneumoniaMNIST, CC BY 4.0).
  python3 - "$GANTRY_TEST_DATA/classification/pneumoniamnist/pneumoniamnist.npz" <<'END'
import sys, zipfile
films = zipfile.ZipFile(sys.argv[1])
open("train.npy", "wb").write(films.read("train_images.npy"))
labels = films.read("train_labels.npy")[128:]
open("train.csv", "w").write("label\n" + "".join(("normal", "pneumonia")[label] + "\n" for label in labels))
test = films.read("test_images.npy")
open("test.npy", "wb").write(test[:128].replace(b"(624,", b"(6,  ") + test[128 : 128 + 6 * 28 * 28])
END
  for name in mindgrab model5_gw_ae; do
    gantry bundle import "$GANTRY_TEST_DATA/models/brainchop/$name" -o "$name" --quiet
    gantry predict "$name" "$GANTRY_TEST_DATA/models/brainchop/t1_crop.nii.gz" -o "$name-result" --quiet
    gantry visualization overlay "$GANTRY_TEST_DATA/models/brainchop/t1_crop.nii.gz" "$name-result/segmentation.nii.gz" "$pages/bundle.${name%%_*}.png" \
      --plane coronal --pixels 480 --quiet
  done
  gantry retrieval index films.gvec --input train.npy --records train.csv --model cxr_pneumonia --quiet
  gantry retrieval search films.gvec matches.csv --input test.npy --figure "$out/retrieval.search.png" --quiet
fi
rm -f "$out"/*.provenance.json "$pages"/*.provenance.json
