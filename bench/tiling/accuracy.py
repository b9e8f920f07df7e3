#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tiling finds, and finds twice: `osprey detect --tiles` beside SAHI on large labelled scenes.

    python3 bench/tiling/accuracy.py [--model yolov8n.onnx] [--osprey build/osprey] [--only scenes]

Run it with the Python of bench/requirements.txt. Tiles of 640 with overlap 0.2 and the whole frame, conf 0.25,
NMS 0.45 in each tile, on two sets: the shared scenes, and one that is made here of other pictures' boxes
(second_set.py). Osprey's boxes are those of its COCO results; SAHI merges what the same network finds in
the same tiles. It has no limit of boxes, so Osprey's is set out of reach. AP is pycocotools'. Exit code 1 if
a bound is broken:
- `--merge nms`, `greedy_nmm` and `nmm` give SAHI's AP within 0.001;
- the default, fragments, has a higher AP than each of SAHI's and fewer duplicates.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import peers
import second_set

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import coco  # noqa: E402
SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
TILES = ["--tiles", 640, "--overlap", 0.2, "--with-frame"]
SAME = {"nms": ("NMS", "IOU"), "greedy_nmm": ("GREEDYNMM", "IOS"), "nmm": ("NMM", "IOS")}

failures = []


def report(ok, text):
    print(("ok    " if ok else "FAIL  ") + text, flush=True)
    if not ok:
        failures.append(text)


def boxes_by_osprey(options, folder, truth, *flags):
    """Rows of x1, y1, x2, y2, confidence and category of each image."""
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.json"
        done = subprocess.run([str(a) for a in (
            options.osprey, "detect", folder, "--model", options.model, "--precision", "f32", "--conf", peers.CONF,
            "--iou", peers.IOU, "--max-det", 1000, "--multi-label=false", "--quiet", "--coco", results, "--coco-gt",
            folder / "instances.json", *flags)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"osprey {flags}: {done.stderr}")
        with open(results) as text:
            found = json.load(text)
    rows = {i: [] for i in truth.getImgIds()}
    for f in found:
        x, y, width, height = f["bbox"]
        rows[f["image_id"]].append([x, y, x + width, y + height, f["score"], f["category_id"]])
    return {i: np.array(r, float).reshape(-1, 6) for i, r in rows.items()}


def boxes_in_tiles(options, folder, truth):
    """What the network finds in each of SAHI's tiles and in the whole frame, in the frame's pixels."""
    from sahi.slicing import get_slice_bboxes

    network = peers.Network(options.model)
    categories = sorted(truth.getCatIds())
    found = {}
    for i in truth.getImgIds():
        picture = peers.read_rgb(folder / truth.loadImgs(i)[0]["file_name"])
        height, width = picture.shape[:2]
        tiles = get_slice_bboxes(height, width, peers.TILE, peers.TILE, False, peers.OVERLAP, peers.OVERLAP)
        parts = []
        for x1, y1, x2, y2 in [*tiles, (0, 0, width, height)]:
            rows = network(picture[y1:y2, x1:x2]).astype(float)
            rows[:, :4] += (x1, y1, x1, y1)
            rows[:, 5] = [categories[int(label)] for label in rows[:, 5]]
            parts.append(rows)
        found[i] = height, width, np.concatenate(parts)
    return found


def merged_by_sahi(in_tiles, method, metric):
    from sahi.predict import POSTPROCESS_NAME_TO_CLASS

    merge = POSTPROCESS_NAME_TO_CLASS[method](match_threshold=0.5, match_metric=metric, class_agnostic=False)
    return {i: peers.rows_of_sahi(merge([peers.sahi_object(row, height, width) for row in rows]) if len(rows) else [])
            for i, (height, width, rows) in in_tiles.items()}


def shared_areas(a, b):
    """Of each pair of boxes: what they share over what they cover, and over the first's area."""
    corners = np.minimum(a[:, None, 2:4], b[None, :, 2:4]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = corners.clip(0).prod(2)
    of_a, of_b = (a[:, 2:4] - a[:, :2]).prod(1)[:, None], (b[:, 2:4] - b[:, :2]).prod(1)[None]
    return shared / (of_a + of_b - shared + 1e-9), shared / (of_a + 1e-9)


def needless(truth, found):
    """Boxes that cover an object found already, by IoU >= 0.5; and those of which half or more lies in such an object.

    Boxes take objects of their class greedily, the most confident first, as AP counts them at 0.5.
    """
    duplicates = parts = 0
    for i, rows in found.items():
        objects = truth.loadAnns(truth.getAnnIds(imgIds=i))
        if not objects:
            continue
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        boxes = np.array([o["bbox"] for o in objects], float)
        boxes[:, 2:] += boxes[:, :2]
        same = rows[:, None, 5] == np.array([o["category_id"] for o in objects])[None]
        alike, inside = (s * same for s in shared_areas(rows, boxes))
        taken = np.zeros(len(objects), bool)
        rest = []
        for k in range(len(rows)):
            best = np.where(taken, 0, alike[k]).argmax()
            if not taken[best] and alike[k, best] >= 0.5:
                taken[best] = True
            else:
                rest.append(k)
        for k in rest:
            if (alike[k, taken] >= 0.5).any():
                duplicates += 1
            elif (inside[k, taken] >= 0.5).any():
                parts += 1
    return duplicates, parts


def score(truth, found):
    results = [{"image_id": i, "category_id": int(r[5]), "bbox": [r[0], r[1], r[2] - r[0], r[3] - r[1]], "score": r[4]}
               for i, rows in found.items() for r in rows.tolist()]
    stats = coco.evaluation(truth, results).stats
    duplicates, parts = needless(truth, found)
    return {"AP": stats[0], "AP50": stats[1], "boxes": len(results), "duplicates": duplicates,
            "parts": parts}


def compare(options, title, folder):
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "instances.json"))
    print(f"\n{title}: {len(truth.imgs)} pictures, {len(truth.anns)} objects")
    print(f"{'':44} {'AP':>7} {'AP50':>7} {'boxes':>6} {'duplicates':>11} {'parts':>6}")
    scores = {}

    def add(name, found):
        s = scores[name] = score(truth, found)
        print(f"{name:44} {s['AP']:7.4f} {s['AP50']:7.4f} {s['boxes']:6} {s['duplicates']:11} {s['parts']:6}",
              flush=True)

    add("osprey, no tiles", boxes_by_osprey(options, folder, truth))
    add("osprey --merge fragments, the default", boxes_by_osprey(options, folder, truth, *TILES))
    for method, (_, metric) in SAME.items():
        add(f"osprey --merge {method}", boxes_by_osprey(
            options, folder, truth, *TILES, "--merge", method, "--merge-metric", metric.lower()))
    add("osprey --merge wbf", boxes_by_osprey(options, folder, truth, *TILES, "--merge", "wbf"))
    in_tiles = boxes_in_tiles(options, folder, truth)
    for method, metric in SAME.values():
        add(f"SAHI {method}, {metric}", merged_by_sahi(in_tiles, method, metric))

    for method, (sahi, metric) in SAME.items():
        ours, theirs = scores[f"osprey --merge {method}"], scores[f"SAHI {sahi}, {metric}"]
        report(abs(ours["AP"] - theirs["AP"]) <= 0.001, f"--merge {method} is SAHI's {sahi}: AP {ours['AP']:.4f}, "
               f"{theirs['AP']:.4f}; {ours['boxes']} boxes, {theirs['boxes']}")
        best = scores["osprey --merge fragments, the default"]
        report(best["AP"] > theirs["AP"] and best["duplicates"] < theirs["duplicates"],
               f"fragments against SAHI's {sahi}: AP {best['AP'] - theirs['AP']:+.4f}, {best['duplicates']} duplicates "
               f"against {theirs['duplicates']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osprey", type=Path, default=ROOT / "build/osprey")
    parser.add_argument("--model", type=Path, default=SHARED / "models/yolov8n.onnx")
    parser.add_argument("--only", choices=["scenes", "second"], help="one of the two sets")
    options = parser.parse_args()
    scenes, small = SHARED / "data/scenes", SHARED / "data/coco_val64"
    if not options.model.is_file():
        print(f"skip  {options.model} is not there: nothing is checked")
        return 0
    if options.only != "second":
        if scenes.is_dir():
            compare(options, "the shared scenes", scenes)
        else:
            print(f"skip  {scenes} is not there: the shared scenes are not checked")
    if options.only != "scenes":
        if small.is_dir():
            with tempfile.TemporaryDirectory() as folder:
                second_set.make(small, Path(folder))
                compare(options, "the second set", Path(folder))
        else:
            print(f"skip  {small} is not there: the second set is not made")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
