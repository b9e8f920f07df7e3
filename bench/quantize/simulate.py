#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Detections of a network with split outputs as rknn-toolkit2's simulator computes it, in COCO's format.

    python3 simulate.py MODEL.onnx qdq|normal|kl_divergence|float INSTANCES PICTURES CALIBRATION COUNT DETECTIONS

Run it with a Python that has rknn-toolkit2. "qdq" takes MODEL's own scales; the others are the toolkit's quantisation
with COUNT pictures of the folder CALIBRATION. The toolkit's log goes to DETECTIONS.log.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

SIDE, PADDING = 640, 114
LEAST_SCORE, LARGEST_OVERLAP, MOST = 0.001, 0.7, 300  # as `osprey eval` has them


def letterboxed(path):
    """The picture as the network sees it, its scale and its offset."""
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    scale = min(SIDE / height, SIDE / width)
    small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    square = np.full((SIDE, SIDE, 3), PADDING, np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    square[top:top + small.shape[0], left:left + small.shape[1]] = small
    return square[:, :, ::-1].copy(), scale, (left, top), (width, height)


def decoded(outputs):
    """Boxes (x1, y1, x2, y2) and scores of all locations: DFL of 16 bins a side."""
    boxes, scores = [], []
    distances = sorted((o for o in outputs if o.shape[1] == 64), key=lambda o: -o.shape[2])
    classes = sorted((o for o in outputs if o.shape[1] != 64), key=lambda o: -o.shape[2])
    for distance, score in zip(distances, classes):
        rows, columns = distance.shape[2:]
        stride = SIDE / rows
        bins = distance.reshape(4, 16, rows * columns).astype(np.float64)
        share = np.exp(bins - bins.max(1, keepdims=True))
        sides = (share * np.arange(16)[None, :, None]).sum(1) / share.sum(1)
        x, y = np.tile(np.arange(columns) + 0.5, rows), np.repeat(np.arange(rows) + 0.5, columns)
        boxes.append(np.stack([x - sides[0], y - sides[1], x + sides[2], y + sides[3]], 1) * stride)
        scores.append(1 / (1 + np.exp(-score.reshape(score.shape[1], -1).T.astype(np.float64))))
    return np.concatenate(boxes), np.concatenate(scores)


def kept(boxes, scores):
    """Indices (location, class) after suppression within classes, the best first."""
    found = []
    for kind in range(scores.shape[1]):
        some = np.flatnonzero(scores[:, kind] > LEAST_SCORE)
        some = some[np.argsort(-scores[some, kind], kind="stable")]
        while len(some):
            best, rest = some[0], some[1:]
            found.append((best, kind))
            corner = np.maximum(boxes[best, :2], boxes[rest, :2]), np.minimum(boxes[best, 2:], boxes[rest, 2:])
            common = np.clip(corner[1] - corner[0], 0, None).prod(1)
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
            some = rest[common / (areas[best] + areas[rest] - common) <= LARGEST_OVERLAP]
    return sorted(found, key=lambda place: -scores[place])[:MOST]


def runner(model, mode, calibration, count, log):
    from rknn.api import RKNN
    toolkit = RKNN(verbose=True, verbose_file=log)
    algorithm = mode if mode in ("normal", "kl_divergence") else "normal"
    toolkit.config(mean_values=[[0, 0, 0]], std_values=[[255, 255, 255]], target_platform="rk3588",
                   quantized_algorithm=algorithm, disable_rules=["fuse_concat_conv"] if mode == "qdq" else [])
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "dataset.txt"
        names = []
        for i, path in enumerate(sorted(Path(calibration).iterdir())[:count]):
            names.append(f"{folder}/{i}.png")
            cv2.imwrite(names[-1], letterboxed(path)[0][:, :, ::-1])
        dataset.write_text("\n".join(names) + "\n")
        steps = (toolkit.load_onnx(model),
                 toolkit.build(do_quantization=mode in ("normal", "kl_divergence"), dataset=str(dataset)),
                 toolkit.init_runtime())
    if any(steps):
        sys.exit(f"rknn-toolkit2 refuses {model}: {steps}")
    return lambda picture: toolkit.inference(inputs=[picture[None]], data_format="nhwc")


def detect(model, mode, instances, pictures, calibration, count, target):
    infer = runner(model, mode, calibration, count, target + ".log")
    labels = json.loads(Path(instances).read_text())
    kinds = sorted(kind["id"] for kind in labels["categories"])
    detections = []
    for image in labels["images"]:
        picture, scale, offset, size = letterboxed(Path(pictures) / image["file_name"])
        boxes, scores = decoded(infer(picture))
        for place, kind in kept(boxes, scores):
            corners = (boxes[place].reshape(2, 2) - offset) / scale
            (left, top), (right, bottom) = np.clip(corners, 0, size)
            detections.append({"image_id": image["id"], "category_id": kinds[kind], "score": float(scores[place, kind]),
                               "bbox": [left, top, right - left, bottom - top]})
    Path(target).write_text(json.dumps(detections))


def main():
    mode, count = sys.argv[2], int(sys.argv[6])
    model, instances, pictures, calibration, target = map(os.path.abspath, (sys.argv[1], *sys.argv[3:6], sys.argv[7]))
    # The toolkit leaves files where it runs.
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        detect(model, mode, instances, pictures, calibration, count, target)


if __name__ == "__main__":
    main()
