# SPDX-License-Identifier: Apache-2.0
"""Compares Osprey's decoding and NMS with Ultralytics' on the same output of YOLOv8n.

    python bench/postprocess/run.py --bench build/bench/postprocess/postprocess_bench --model yolov8n.onnx

Runs the model once on a street scene, checks that both sides find the same boxes, then times them in
alternating rounds and prints one table. Fails if they disagree or the ratio is below the target. Run
it with a Python that has onnxruntime, opencv-python and what peer_ultralytics.py needs.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET = 5.0
CASES = {
    "live: conf 0.25, iou 0.45": ["--conf", "0.25", "--iou", "0.45"],
    "evaluation: conf 0.001, iou 0.7, multi-label": ["--conf", "0.001", "--iou", "0.7", "--multi-label"],
}


def record_output(model, picture, folder):
    """Runs the model on a letterboxed picture; returns the raw file, C and N."""
    import cv2
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    height, width = session.get_inputs()[0].shape[2:]
    image = cv2.imread(str(picture))
    if image is None:
        sys.exit(f"{picture}: not a readable picture")
    gain = min(height / image.shape[0], width / image.shape[1])
    size = (round(image.shape[1] * gain), round(image.shape[0] * gain))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(image, size)
    blob = canvas[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
    output = session.run(None, {session.get_inputs()[0].name: blob})[0]
    path = pathlib.Path(folder) / "output.f32"
    output.astype("<f4").tofile(path)
    return path, output.shape[1] - 4, output.shape[2]


def default_picture():
    import ultralytics

    return pathlib.Path(ultralytics.__file__).parent / "assets" / "bus.jpg"


def measure(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def largest_difference(ours, theirs):
    """In pixels, over boxes matched by order within equal class and confidence; None: no match."""
    if len(ours) != len(theirs):
        return None
    worst = 0.0
    remaining = list(theirs)
    for box in ours:
        same = [t for t in remaining if t[5] == box[5] and abs(t[4] - box[4]) < 1e-6]
        if not same:
            return None
        distance = lambda t: max(abs(a - b) for a, b in zip(t[:4], box[:4]))
        nearest = min(same, key=distance)
        worst = max(worst, distance(nearest))
        remaining.remove(nearest)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the built postprocess_bench")
    parser.add_argument("--model", required=True, help="yolov8n.onnx")
    parser.add_argument("--picture", help="a street scene; default: the bus.jpg that Ultralytics carries")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=100, help="timings a round")
    args = parser.parse_args()

    failed = False
    with tempfile.TemporaryDirectory() as folder:
        picture = args.picture or default_picture()
        output, classes, locations = record_output(args.model, picture, folder)
        shape = ["--classes", str(classes), "--locations", str(locations), "--runs", str(args.runs)]
        peer = [sys.executable, str(HERE / "peer_ultralytics.py"), str(output), *shape]
        print(f"{picture}, output [1, {classes + 4}, {locations}]; microseconds, {args.rounds} rounds of {args.runs}")
        print(f"{'case':46} {'side':26} {'boxes':>5} {'min':>9} {'median':>9} {'ratio':>7}")
        for name, options in CASES.items():
            sides = {
                "osprey, 1 thread": [args.bench, str(output), *shape, *options],
                "ultralytics, 1 thread": [*peer, *options, "--threads", "1"],
                "ultralytics, all threads": [*peer, *options],
            }
            times = {side: [] for side in sides}
            for _ in range(args.rounds):
                found = {side: measure(command) for side, command in sides.items()}
                for side, result in found.items():
                    times[side] += result["microseconds"]
            ours = found["osprey, 1 thread"]["detections"]
            base = statistics.median(times["osprey, 1 thread"])
            for side, result in found.items():
                difference = largest_difference(ours, result["detections"])
                if difference is None or difference > 1e-3:
                    print(f"{name}: {side} finds other boxes ({len(result['detections'])} against {len(ours)})")
                    failed = True
                median = statistics.median(times[side])
                print(
                    f"{name:46} {side:26} {len(result['detections']):5} {min(times[side]):9.1f} "
                    f"{median:9.1f} {median / base:6.1f}x"
                )
                failed |= side != "osprey, 1 thread" and median / base < TARGET
    if failed:
        sys.exit(f"failed: boxes differ, or a ratio is below {TARGET}")


if __name__ == "__main__":
    main()
