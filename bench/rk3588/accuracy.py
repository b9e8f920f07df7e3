#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the path through the NPU costs accuracy: COCO AP of one INT8 model in OpenVINO and on the virtual board.

    python3 bench/rk3588/accuracy.py [--model yolov8n.int8.onnx] [--shared ../shared]

Run it with the Python of bench/requirements.txt. The model's head is split as rknn_model_zoo splits it (boxes and class
scores per stride), and the board's outputs are INT8 maps in blocks of 16 channels, scaled to what 64 calibration pictures
gave. Exit code 1 if AP differs from OpenVINO's by more than 0.005, or if zero copy and the plain path give other boxes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import coco  # noqa: E402
MOST = 0.005


def split(source, made):
    """Cuts an Ultralytics YOLOv8 before its boxes are decoded and joined with the scores."""
    import onnx
    import onnx.utils

    graph = onnx.load(source).graph
    ends = [n.output[0] for part in ("cv2", "cv3") for scale in range(3) for n in graph.node
            if n.op_type == "Conv" and n.name.startswith(f"/model.22/{part}.{scale}/{part}.{scale}.2/")]
    if len(ends) != 6:
        sys.exit(f"{source}: expected the six last convolutions of a YOLOv8 head, found {len(ends)}")
    onnx.utils.extract_model(str(source), str(made), [graph.input[0].name], ends)


def main():
    shared = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    model = options.model or options.shared / "models/yolov8n.int8.onnx"
    if not model.is_file():
        return print(f"skip  {model} is not there")
    data = options.shared / "data/coco_val64"
    osprey, library = options.build / "osprey", options.build / "sim/rk3588/librknnrt.so"

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        onnx, floats, steps = folder / "split.onnx", folder / "floats.rknn", folder / "steps.rknn"
        split(model, onnx)

        def run(*command):
            subprocess.run([osprey, *map(str, command)], check=True, capture_output=True)

        run("sim-model", onnx, "-o", floats, "--core-ms", "1")
        run("sim-model", onnx, "-o", steps, "--core-ms", "1", "--dataset",
            options.shared / "data/coco_calibration/images")

        def measure(name, used, *flags):
            made = folder / f"{name}.json"
            run("detect", data / "images", "--model", used, "--coco", made, "--coco-gt", data / "instances.json",
                "--conf", "0.001", "--iou", "0.7", "--rknn-library", library, "--quiet", *flags)
            return coco.evaluation(data / "instances.json", made).stats[0], made.read_bytes()

        reference, answer = measure("openvino", onnx)
        print(f"OpenVINO                              AP {reference:.4f}")
        failures = 0
        same = {}
        plain = "--npu-io", "plain"
        for name, used, *flags in (("board, float outputs, zero copy", floats), ("board, float outputs, plain", floats, *plain),
                                   ("board, INT8 outputs, zero copy", steps), ("board, INT8 outputs, plain", steps, *plain)):
            ap, boxes = measure("board", used, *flags)
            ok = abs(ap - reference) <= MOST and boxes == same.setdefault(used, boxes)
            ok = ok and (used is not floats or boxes == answer)
            failures += not ok
            print(f"{name:37} AP {ap:.4f}  {'ok' if ok else 'FAIL'}", flush=True)
        print("the same boxes: floats as in OpenVINO, and each model's both ways" if not failures else "see above")
        return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
