# SPDX-License-Identifier: Apache-2.0
"""Times Ultralytics' non_max_suppression on one recorded output [1, 4+C, N], as JSON on standard output.

Needs numpy, torch, torchvision and ultralytics.
"""

import argparse
import json
import time

import numpy as np
import torch
import torchvision  # noqa: F401  Ultralytics uses its compiled NMS once it is imported
from ultralytics.utils import nms


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", help="raw little-endian float32 file of [1, 4+C, N]")
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--locations", type=int, default=8400)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--conf", type=float, default=0.25)
    parser.add_argument("--iou", type=float, default=0.45)
    parser.add_argument("--max-det", type=int, default=300)
    parser.add_argument("--multi-label", action="store_true")
    parser.add_argument("--threads", type=int, default=0, help="torch's threads; 0: its default")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)

    values = np.fromfile(args.output, dtype="<f4")
    prediction = torch.from_numpy(values.reshape(1, args.classes + 4, args.locations))
    times = []
    with torch.inference_mode():
        for i in range(-10, args.runs):
            start = time.perf_counter()
            found = nms.non_max_suppression(
                prediction,
                conf_thres=args.conf,
                iou_thres=args.iou,
                max_det=args.max_det,
                multi_label=args.multi_label,
                nc=args.classes,
            )
            stop = time.perf_counter()
            if i >= 0:
                times.append((stop - start) * 1e6)
    rows = [[*map(float, row[:5]), int(row[5])] for row in found[0].tolist()]
    print(json.dumps({"detections": rows, "microseconds": times, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
