#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""suites.py FOLDER OUT: of a folder of test vectors with a MANIFEST.tsv, Fluster's test suites and
resources, one suite for each codec (OUT/suites/CODEC.json, OUT/resources/CODEC/NAME/FILE).

FLUSTER_FILTER=TEXT: only paths with TEXT in them.  Only what is to be decoded exactly."""

import csv
import json
import os
import sys

CODECS = {"h264": "H.264", "hevc": "H.265", "vp8": "VP8", "vp9": "VP9", "mpeg2": "MPEG2_VIDEO"}

folder, out = (os.path.realpath(p) for p in sys.argv[1:3])
suites = {}
with open(os.path.join(folder, "MANIFEST.tsv"), encoding="utf-8") as manifest:
    for row in csv.DictReader(manifest, delimiter="\t"):
        path = row["path"]
        if row["expect"] != "exact" or os.environ.get("FLUSTER_FILTER", "") not in path:
            continue
        codec, name = row["codec"], path.replace("/", "-")
        place = os.path.join(out, "resources", codec, name)
        os.makedirs(place)
        os.symlink(os.path.join(folder, path), os.path.join(place, os.path.basename(path)))
        suites.setdefault(codec, []).append({
            "name": name,
            "source": "",
            "source_checksum": "",
            "input_file": os.path.basename(path),
            "output_format": row["pixfmt"],
            "result": row["md5"],
        })

os.makedirs(os.path.join(out, "suites"))
for codec, vectors in suites.items():
    with open(os.path.join(out, "suites", codec + ".json"), "w", encoding="utf-8") as suite:
        json.dump({"name": codec, "codec": CODECS[codec], "description": "own",
                   "test_vectors": vectors}, suite, indent=4)
    print(codec, len(vectors), sep="\t")
