# SPDX-License-Identifier: Apache-2.0
"""Large labelled scenes made of small labelled pictures, for accuracy.py.

Unlike the shared scenes in every way that tiling could have been tuned to: canvases of odd shapes, pictures at
0.2 to 3 times their size, and half of them placed so that an object's centre lies on an inner border of the
tiles. The seed is fixed and the order of draws must stay, for the figures in docs/benchmarks.md are of
this set.
"""

import json
import random

CANVASES = [(2560, 1440)] * 4 + [(3200, 1800)] * 3 + [(1700, 1700)] * 3 + [(4000, 1500)] * 2 + [(1280, 960)] * 2
LARGE, SMALL = [2.0, 2.5, 3.0], [0.2, 0.3, 0.5, 0.8, 1.2]
SEED, TILE = 20261124, 640


def place(draw, canvas, size, scale, boxes, borders, taken, on_border):
    """A free place for a picture of that size, or nothing after many tries."""
    (width, height), (across, down) = canvas, size
    for attempt in range(80):
        x, y = draw.randint(0, width - across), draw.randint(0, height - down)
        if attempt < 60 and on_border:
            left, top, box_width, box_height = draw.choice(boxes)["bbox"]
            center_x, center_y = (left + box_width / 2) * scale, (top + box_height / 2) * scale
            if borders[0] and draw.random() < 0.6:
                x = round(draw.choice(borders[0]) - center_x)
            elif borders[1]:
                y = round(draw.choice(borders[1]) - center_y)
        if x < 0 or y < 0 or x + across > width or y + down > height:
            continue
        if not any(x < t[2] and t[0] < x + across and y < t[3] and t[1] < y + down for t in taken):
            return x, y
    return None


def make(source, folder):
    """Writes pictures and instances.json, made of `source`'s images and boxes, into the folder."""
    import cv2
    import numpy as np
    from sahi.slicing import get_slice_bboxes

    draw = random.Random(SEED)
    with open(source / "instances.json") as text:
        given = json.load(text)
    boxes_of = {}
    for box in given["annotations"]:
        boxes_of.setdefault(box["image_id"], []).append(box)
    images, annotations = [], []
    for n, (width, height) in enumerate(CANVASES):
        canvas = np.full((height, width, 3), 114, np.uint8)
        tiles = get_slice_bboxes(height, width, TILE, TILE, False, 0.2, 0.2)
        borders = (sorted({v for t in tiles for v in (t[0], t[2]) if 0 < v < width}),
                   sorted({v for t in tiles for v in (t[1], t[3]) if 0 < v < height}))
        taken = []
        for k in range(60):
            image = draw.choice(given["images"])
            boxes = boxes_of.get(image["id"], [])
            if not boxes:
                continue
            scale = draw.choice(LARGE) if k < 6 else draw.choice(SMALL)
            across, down = round(image["width"] * scale), round(image["height"] * scale)
            if across > width or down > height:
                continue
            at = place(draw, (width, height), (across, down), scale, boxes, borders, taken, k % 2 == 0)
            if not at:
                continue
            x, y = at
            picture = cv2.imread(str(source / "images" / image["file_name"]))
            canvas[y:y + down, x:x + across] = cv2.resize(
                picture, (across, down), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            taken.append((x, y, x + across, y + down))
            for box in boxes:
                left, top, box_width, box_height = (v * scale for v in box["bbox"])
                annotations.append({"id": len(annotations) + 1, "image_id": n + 1, "category_id": box["category_id"],
                                    "bbox": [left + x, top + y, box_width, box_height],
                                    "area": box_width * box_height, "iscrowd": box["iscrowd"]})
        name = f"scene_{n:02}.png"
        cv2.imwrite(str(folder / name), canvas, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        images.append({"id": n + 1, "file_name": name, "width": width, "height": height})
    with open(folder / "instances.json", "w") as text:
        json.dump({"images": images, "annotations": annotations, "categories": given["categories"]}, text)
