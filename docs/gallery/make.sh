#!/bin/sh
# Makes every picture of this folder from one simulated record: sh docs/gallery/make.sh
# Left bundle branch block with a second-degree AV block, record 7 of 60 with seed 1.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
twelvelead ingest --at "$work" --params ../../params.yaml --set ingest.source=simulate \
  --set ingest.records=60 --set ingest.seed=1
record=$work/records/records500/00000/00007_hr

draw() { # name, width, height, further options
  to=$1 width=$2 height=$3
  shift 3
  twelvelead page "$record" -o "$to" --width "$width" --height "$height" "$@"
}

draw 12x1.png 840 960 --layout 12x1 --grid pink
draw 3x4.png 1120 480 --layout 3x4 --grid beige --font serif
draw 3x4+1r.png 1120 560
draw 3x4+3r.png 1120 720 --layout 3x4+3r --grid grey --grid-form faint --ink blue --separators dashed
draw 6x2.png 1120 720 --layout 6x2 --grid blue --grid-form dotted --font mono
draw 6x2+1r-cabrera.png 1120 800 --layout 6x2+1r --order cabrera --grid-form coarse --pulse both
draw median.png 1120 720 --layout median --chest-gain 5
for drawn in scan:5 photo:5 harsh:5 ecginstruct:7; do
  draw "${drawn%:*}.jpg" 840 525 --preset "${drawn%:*}" --seed "${drawn#*:}"
done
draw 3x4+1r.svg 1120 560
