#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether kinds of errors are TIDE's, and intervals those that resampling pictures gives with pycocotools.

    python3 bench/evaluate/references.py [--tide-python PYTHON] [--samples 200]

Run it with the Python of bench/requirements.txt. TIDE's package needs an older numpy, so it has an environment of its own:
`python3 -m venv /tmp/tide && /tmp/tide/bin/pip install tidecv "numpy<1.25"`; without it that part is skipped. TIDE counts
detections on crowds as errors, and only here are there none. Exit code 1 if something differs.
"""

import argparse
import copy
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import coco  # noqa: E402
TIDE = """
import json, sys
from tidecv import TIDE, datasets
run = TIDE()
made = run.evaluate(datasets.COCO(sys.argv[1]), datasets.COCOResult(sys.argv[2]), mode=TIDE.BOX)
main, special = run.get_main_errors()["detections"], run.get_special_errors()["detections"]
counts = {k.__name__: len(v) for k, v in made.error_dict.items()}
print(json.dumps({"ap": made.ap, **main, **special, "counts": counts}))
"""
NAMES = {"classification": ("Cls", "ClassError"), "localisation": ("Loc", "BoxError"), "both": ("Both", "OtherError"),
         "duplicate": ("Dupe", "DuplicateError"), "background": ("Bkg", "BackgroundError"), "missed": ("Miss", "MissedError")}


def evaluate(osprey, *arguments):
    done = subprocess.run([osprey, "eval", *map(str, arguments), "--json", "-"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def tide(osprey, python, folder, truth, found):
    labels, detections = folder / "labels.json", folder / "detections.json"
    for a in truth["annotations"]:
        x, y, w, h = a["bbox"]
        a["segmentation"], a["iscrowd"] = [[x, y, x + w, y, x + w, y + h, x, y + h]], 0
    labels.write_text(json.dumps(truth))
    detections.write_text(json.dumps(found))
    done = subprocess.run([python, "-W", "ignore", "-c", TIDE, labels, detections], capture_output=True, text=True)
    if done.returncode:
        print(f"skip  TIDE: {done.stderr.strip().splitlines()[-1]}")
        return 0
    theirs, ours = json.loads(done.stdout.splitlines()[-1]), evaluate(osprey, "--data", labels, "--detections", detections)
    worst, other_counts = abs(theirs["FalsePos"] / 100 - ours["wrong_cost"]), 0
    worst = max(worst, abs(theirs["FalseNeg"] / 100 - ours["missed_cost"]))
    for name, (cost, count) in NAMES.items():
        worst = max(worst, abs(theirs[cost] / 100 - ours["errors"][name]["cost"]))
        other_counts += theirs["counts"].get(count, 0) != ours["errors"][name]["count"]
    print(f"TIDE, {len(found)} detections: costs at most {worst:.1e} off, {other_counts} counts differ")
    return worst > 1e-4 or other_counts  # equal scores may come in another order


def resampled(truth, results, draw):
    """As many pictures, drawn with repetition: each time under an id of its own."""
    images = truth["images"]
    drawn = [draw.choice(images)["id"] for _ in images]
    labels = {i["id"]: [] for i in images}
    for a in truth["annotations"]:
        labels[a["image_id"]].append(a)
    made = {"images": [{"id": n + 1} for n in range(len(drawn))], "categories": truth["categories"], "annotations": []}
    for n, source in enumerate(drawn):
        for a in labels[source]:
            made["annotations"].append({**a, "id": len(made["annotations"]) + 1, "image_id": n + 1})
    return made, [[{**d, "image_id": n + 1} for n, source in enumerate(drawn) for d in of[source]] for of in results]


def bootstrap(osprey, folder, truth, found, samples):
    draw = random.Random(3)
    worse = copy.deepcopy(found)
    for d in worse:
        if draw.random() < 0.25:
            d["bbox"][0] += 0.1 * d["bbox"][2]
    files = [folder / "labels.json", folder / "worse.json", folder / "better.json"]
    for file, content in zip(files, (truth, worse, found)):
        file.write_text(json.dumps(content))
    ours = evaluate(osprey, "--data", files[0], "--compare", files[1], files[2], "--samples", 4000)["differences"][1]
    by_picture = []
    for result in (worse, found):
        by_picture.append({i["id"]: [] for i in truth["images"]})
        for d in result:
            by_picture[-1][d["image_id"]].append(d)
    differences = []
    for _ in range(samples):
        labels, (a, b) = resampled(truth, by_picture, draw)
        differences.append(coco.evaluation(labels, b).stats[0] - coco.evaluation(labels, a).stats[0])
    low, high = np.quantile(differences, [0.025, 0.975])
    width = high - low
    off = max(abs(low - ours["lowest"]), abs(high - ours["highest"])) / width
    print(f"bootstrap: {ours['verdict']}; resampled with pycocotools [{low:.4f}, {high:.4f}], ours [{ours['lowest']:.4f}, "
          f"{ours['highest']:.4f}]: ends {off:.0%} of the width off")
    return off > 0.2  # of so few samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--tide-python", default="/tmp/tide/bin/python")
    parser.add_argument("--samples", type=int, default=200)
    options = parser.parse_args()
    from generate import generate

    osprey = options.build / "osprey"
    with tempfile.TemporaryDirectory() as folder:
        bad = tide(osprey, options.tide_python, Path(folder), *generate(300, 4000, 30000, 5)) if Path(options.tide_python).exists() else \
            print("skip  TIDE: no environment for it") or 0
        bad |= bootstrap(osprey, Path(folder), *generate(60, 500, 1800, 6), options.samples)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
