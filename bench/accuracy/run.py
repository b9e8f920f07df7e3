#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether Osprey computes what the reference implementations compute.

    python3 bench/accuracy/run.py [--shared ../shared] [--darknet build/deps/yolov3-tiny]

Run it with the Python of bench/requirements.txt. Exit code 1 if a bound is broken.
- COCO AP by pycocotools on Osprey's COCO results file: YOLOv8n >= 0.457 (Ultralytics: 0.4588, AP50 0.6336).
- The boxes of `ultralytics predict` on its own bus.jpg and zidane.jpg: within 1 px and 0.01.
- The imported YOLOv3-tiny beside OpenCV's readNetFromDarknet, as measured on bus.jpg: within 4 px and 0.02.
- JSON Lines of 1, 2 and 8 lanes: the same bytes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import coco  # noqa: E402
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
# What OpenCV's readNetFromDarknet gives for bus.jpg at 416, letterboxed: class, confidence, box.
DARKNET_BUS = [(0, 0.968, (44, 400, 208, 887)), (0, 0.682, (685, 468, 813, 892)), (0, 0.371, (201, 426, 334, 803)),
               (5, 0.331, (3, 221, 799, 747))]

failures = []


def report(ok, text):
    print(("ok    " if ok else "FAIL  ") + text, flush=True)
    if not ok:
        failures.append(text)


def osprey(options, *arguments):
    done = subprocess.run([options.osprey, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"osprey {arguments}: {done.stderr}")
    return done.stdout


def objects_of(line):
    return [(o["detection"]["label_id"], o["detection"]["confidence"],
             tuple(o["bounding_box"][k] for k in ("x_min", "y_min", "x_max", "y_max")))
            for o in json.loads(line)["objects"]]


def difference(expected, found):
    """Largest distances in pixels and confidence between paired objects; infinite if counts differ."""
    if len(expected) != len(found):
        return float("inf"), float("inf")
    pixels = confidence = 0
    for label, score, box in expected:
        candidates = [f for f in found if f[0] == label] or [(label, float("inf"), (float("inf"),) * 4)]
        distance, nearest = min((max(abs(a - b) for a, b in zip(box, f[2])), f) for f in candidates)
        pixels, confidence = max(pixels, distance), max(confidence, abs(nearest[1] - score))
    return pixels, confidence


def check_coco(options, folder):
    val = options.shared / "data/coco_val64"
    for model, bound in ("yolov8n", 0.457), ("yolox_nano", 0.33):
        results = folder / f"{model}.json"
        osprey(options, "detect", val / "images", "--model", options.shared / f"models/{model}.onnx", "--conf", 0.001,
               "--iou", 0.7, "--max-det", 300, "--coco", results, "--quiet")
        ap, ap50 = coco.evaluation(val / "instances.json", results).stats[:2]
        report(ap >= bound, f"{model} on coco_val64: AP {ap:.4f} (>= {bound}), AP50 {ap50:.4f}")


def check_ultralytics(options):
    import ultralytics

    assets = Path(ultralytics.__file__).parent / "assets"
    model = options.shared / "models/yolov8n.onnx"
    predictor = ultralytics.YOLO(str(model), task="detect")
    for name in "bus.jpg", "zidane.jpg":
        rows = predictor.predict(assets / name, conf=0.25, iou=0.45, verbose=False)[0].boxes.data.tolist()
        expected = [(int(label), score, tuple(box)) for *box, score, label in rows]
        found = objects_of(osprey(options, "detect", assets / name, "--model", model, "--json", "-", "--quiet"))
        pixels, confidence = difference(expected, found)
        report(pixels <= 1 and confidence <= 0.01,
               f"{name}: {len(found)} objects, ultralytics {len(expected)}; at most {pixels:.3f} px, {confidence:.4f} apart")


def check_darknet(options, folder):
    import ultralytics

    model = folder / "yolov3-tiny.onnx"
    osprey(options, "import", options.darknet / "yolov3-tiny.cfg", options.darknet / "yolov3-tiny.weights", "--names",
           options.darknet / "coco.names", "--mask", "1:1,2,3", "-o", model)
    bus = Path(ultralytics.__file__).parent / "assets/bus.jpg"
    found = objects_of(osprey(options, "detect", bus, "--model", model, "--json", "-", "--quiet"))
    pixels, confidence = difference(DARKNET_BUS, found)
    report(pixels <= 4 and confidence <= 0.02, f"yolov3-tiny on bus.jpg: {len(found)} objects, OpenCV {len(DARKNET_BUS)}; "
           f"at most {pixels:.1f} px, {confidence:.3f} apart")


def check_lanes(options, folder):
    outputs = []
    for lanes in 1, 2, 8:
        out = folder / f"lanes{lanes}.jsonl"
        osprey(options, "detect", VIDEO, "--model", options.shared / "models/yolov8n.onnx", "--vid-stride", 5, "--lanes",
               lanes, "--json", out, "--quiet")
        outputs.append(out.read_bytes())
    same = outputs[0] == outputs[1] == outputs[2]
    report(same, f"JSON Lines of 1, 2 and 8 lanes are the same: {outputs[0].count(10)} lines")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osprey", type=Path, default=ROOT / "build/osprey")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--darknet", type=Path, default=ROOT / "build/deps/yolov3-tiny")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.shared.is_dir():
            check_coco(options, folder)
            check_ultralytics(options)
            check_lanes(options, folder)
        else:
            print(f"skip  {options.shared} is not there: YOLOv8n and YOLOX-nano are not checked")
        if options.darknet.is_dir():
            check_darknet(options, folder)
        else:
            print(f"skip  {options.darknet} is not there: `make demo` fetches it")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
