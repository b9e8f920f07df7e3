#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Labels and detections in COCO's format that are like COCO val2017's, made up.

    python3 bench/evaluate/generate.py FOLDER [--pictures 5000] [--labels 36000] [--detections 500000] [--seed 1]

Writes FOLDER/instances.json and FOLDER/detections.json. Classes are as unlike in number as COCO's, sizes go over its three
ranges, one label in a hundred is a crowd; a detection is a label moved a little, one of a wrong class, or of nothing, and each
picture has the same number of them, in no order.
"""

import argparse
import json
from pathlib import Path

import numpy as np

CLASSES = 80
# COCO's ids have gaps: 90 numbers for 80 classes.
CLASS_IDS = np.array([i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)])


def boxes(random, width, height):
    """Places and sizes, from a few pixels to most of the picture."""
    size = np.exp(random.normal(np.log(60), 1.0, (len(width), 2))).clip(3, np.stack([width, height], 1) * 0.9)
    corner = random.random(size.shape) * (np.stack([width, height], 1) - size)
    return np.concatenate([corner, size], 1)


def generate(pictures, labels, detections, seed):
    random = np.random.default_rng(seed)
    width, height = random.choice([480, 500, 640], pictures), random.choice([360, 427, 480], pictures)
    images = [{"id": int(i), "file_name": f"{i:012}.jpg", "width": int(w), "height": int(h)}
              for i, w, h in zip(sorted(random.choice(600000, pictures, replace=False) + 1), width, height)]
    weight = 1 / np.arange(1, CLASSES + 1) ** 0.9
    weight /= weight.sum()

    # Pictures hold few kinds of objects, and several of each.
    owner = random.integers(0, pictures, labels)
    kinds = random.choice(CLASSES, (pictures, 4), p=weight)
    kind = kinds[owner, random.integers(0, 4, labels)]
    box = boxes(random, width[owner], height[owner])
    crowd = random.random(labels) < 0.01
    area = box[:, 2] * box[:, 3] * random.uniform(0.5, 1, labels)
    annotations = [{"id": i + 1, "image_id": images[owner[i]]["id"], "category_id": int(CLASS_IDS[kind[i]]),
                    "bbox": [round(float(v), 2) for v in box[i]], "area": round(float(area[i]), 4), "iscrowd": int(crowd[i])}
                   for i in range(labels)]

    each = detections // pictures
    of_picture = [[] for _ in range(pictures)]
    for i, picture in enumerate(owner):
        of_picture[picture].append(i)
    found = []
    for picture, own in enumerate(of_picture):
        noise = boxes(random, np.full(each, width[picture]), np.full(each, height[picture]))
        kind_of = random.choice(CLASSES, each, p=weight)
        score = random.beta(0.5, 8, each)
        if own:
            use = random.random(each) < 0.7
            source = np.array(own)[random.integers(0, len(own), each)]
            spread = random.exponential(0.12, each)[:, None] * np.tile(box[source][:, 2:], 2)
            near = box[source] + random.normal(0, 1, (each, 4)) * spread
            near[:, 2:] = near[:, 2:].clip(1)
            noise[use] = near[use]
            kind_of[use] = np.where(random.random(each) < 0.85, kind[source], kind_of)[use]
            score[use] = (random.beta(2, 2, each) * np.exp(-spread[:, 0] / 40))[use]
        found += [{"image_id": images[picture]["id"], "category_id": int(CLASS_IDS[k]),
                   "bbox": [round(float(v), 3) for v in b], "score": round(float(s), 5)}
                  for k, b, s in zip(kind_of, noise, score)]
    categories = [{"id": int(i), "name": f"class {i}"} for i in CLASS_IDS]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--labels", type=int, default=36000)
    parser.add_argument("--detections", type=int, default=500000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    labels, found = generate(options.pictures, options.labels, options.detections, options.seed)
    (options.folder / "instances.json").write_text(json.dumps(labels))
    (options.folder / "detections.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
