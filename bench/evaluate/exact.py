#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether `osprey eval` gives pycocotools' numbers: on generated cases that are odd in every way, and on real detections.

    python3 bench/evaluate/exact.py [--cases 200] [--shared ../shared]
    python3 bench/evaluate/exact.py --cases 24 --write src/evaluate/testdata/pycocotools_cases.json

Run it with the Python of bench/requirements.txt. The twelve numbers and AP at each IoU must be within 1e-12. The cases have
crowds, pictures without labels or detections, classes that one of them lacks, equal scores, boxes without area, and more than
100 detections a picture. --write keeps them, with pycocotools' numbers, for the unit tests. Exit code 1 if a number differs.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import coco  # noqa: E402
KEYS = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"]
MOST = 1e-12


def reference(labels, detections):
    """The twelve numbers, and AP at each IoU from pycocotools' own array."""
    evaluation = coco.evaluation(labels, detections)
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    at_iou = [float(p[p > -1].mean()) if (p > -1).any() else -1.0 for p in precision]
    return [float(v) for v in evaluation.stats], at_iou


def case(seed):
    """Labels and detections; small, and each odd in its own way."""
    draw = random.Random(seed)
    pictures, classes = draw.randint(1, 8), draw.randint(1, 5)
    crowded, step = seed % 7 == 0, draw.choice([1, 7, 1000])
    images = [{"id": i * step + 1, "file_name": f"{i}.jpg", "width": 640, "height": 480} for i in range(pictures)]
    categories = [{"id": 3 * c + 1, "name": f"class {c}"} for c in range(classes)]
    scores = [round(draw.random(), draw.choice([1, 3, 6])) for _ in range(12)]
    size = lambda: draw.choice([0, 5, 20, 31.99, 32, 60, 95.5, 96, 200, 400]) * draw.choice([1, draw.random()])
    annotations, found = [], []
    for image in images:
        if draw.random() < 0.2:
            continue
        for _ in range(draw.randint(0, 12)):
            x, y, w, h = draw.random() * 500, draw.random() * 400, size(), size()
            box = [x, y, w, h] if draw.random() < 0.5 else [round(v) for v in (x, y, w, h)]
            annotations.append({"id": len(annotations) + (0 if seed % 11 == 0 else 1), "image_id": image["id"],
                                "category_id": draw.choice(categories)["id"], "bbox": box,
                                "area": box[2] * box[3] * draw.choice([1, 1, 0.5]), "iscrowd": int(draw.random() < 0.15)})
    own = {image["id"]: [a for a in annotations if a["image_id"] == image["id"]] for image in images}
    for image in images:
        if draw.random() < 0.15:
            continue
        for _ in range(draw.choice([0, 3, 20, 150 if crowded else 30])):
            if own[image["id"]] and draw.random() < 0.7:
                source = draw.choice(own[image["id"]])
                shift = draw.choice([0, 0.02, 0.1, 0.3])
                box = [v + shift * draw.uniform(-1, 1) * (source["bbox"][2 + i % 2] + 1) for i, v in enumerate(source["bbox"])]
                kind = source["category_id"] if draw.random() < 0.8 else draw.choice(categories)["id"]
            else:
                box, kind = [draw.random() * 500, draw.random() * 400, size(), size()], draw.choice(categories)["id"]
            found.append({"image_id": image["id"], "category_id": kind if not crowded else categories[0]["id"], "bbox": box,
                          "score": draw.choice(scores) if draw.random() < 0.5 else draw.random()})
    if not found:  # of which pycocotools makes an error
        found = [{"image_id": images[0]["id"], "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared")))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    osprey = options.build / "osprey"
    worst, bad, kept = 0.0, 0, []

    def check(name, labels, detections):
        nonlocal worst, bad
        stats, at_iou = reference(labels, detections)
        done = subprocess.run([osprey, "eval", "--data", labels, "--detections", detections, "--json", "-"],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr}")
        ours = json.loads(done.stdout)
        numbers = [ours["coco"][k] for k in KEYS] + list(ours["ap_at_iou"].values())
        error = max(abs(a - b) for a, b in zip(numbers, stats + at_iou))
        worst = max(worst, error)
        if error > MOST:
            bad += 1
            print(f"{name}: off by {error}: {numbers} for {stats + at_iou}")
        return stats, at_iou

    with tempfile.TemporaryDirectory() as folder:
        labels, detections = Path(folder) / "instances.json", Path(folder) / "detections.json"
        for seed in range(options.cases):
            truth, found = case(seed)
            labels.write_text(json.dumps(truth))
            detections.write_text(json.dumps(found))
            stats, at_iou = check(f"case {seed}", labels, detections)
            kept.append({"labels": truth, "detections": found, "stats": stats, "at_iou": at_iou})
        print(f"{options.cases} generated cases: {bad} differ, at most {worst:.1e} off")
        for data in ("coco_val64", "scenes"):
            truth, model = options.shared / "data" / data / "instances.json", options.shared / "models/yolov8n.onnx"
            if not truth.is_file() or not model.is_file():
                print(f"skip  {data}: not in {options.shared}")
                continue
            worst = 0.0
            subprocess.run([osprey, "detect", truth.parent / "images" if (truth.parent / "images").is_dir() else truth.parent,
                            "--model", model, "--conf", "0.001", "--iou", "0.7", "--coco", detections, "--coco-gt", truth, "--quiet"],
                           check=True, capture_output=True)
            stats, _ = check(data, truth, detections)
            print(f"{data}, yolov8n: AP {stats[0]:.4f}, at most {worst:.1e} off")
    if options.write:
        options.write.write_text(json.dumps(kept))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
