#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far the virtual board's estimate of a network's time is from what rknn_model_zoo publishes.

    python3 bench/rk3588/estimate.py

Run it with the Python of bench/requirements.txt. The networks are made by Ultralytics from its own descriptions, without
trained weights, and cut before their boxes are decoded, as rknn_model_zoo does. Its YOLOv5 are not those that Ultralytics
makes today. Exit code 1 if one is more than 10 % off.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLISHED = {"yolov8n": 73.5, "yolov8s": 38.0, "yolov8m": 16.2, "yolov6n": 106.4, "yolo11n": 60.0, "yolov10n": 61.2}
MOST = 0.10


def export(name, folder):
    make = ("from ultralytics import YOLO; "
            f"YOLO('{name}.yaml').export(format='onnx', imgsz=640, opset=12, simplify=False)")
    subprocess.run([sys.executable, "-c", make], check=True, capture_output=True, cwd=folder)
    return folder / f"{name}.onnx"


def split(source, made):
    import onnx
    import onnx.utils

    graph = onnx.load(source).graph
    # The last convolution of each branch: YOLOv10 has a second set of them, which a deployed one drops.
    last = re.compile(r"^/model\.\d+/(one2one_)?cv([23])\.(\d)/(one2one_)?cv\2\.\3\.2/Conv$")
    ends = {n.name: n.output[0] for n in graph.node if n.op_type == "Conv" and last.match(n.name)}
    kept = [name for name in ends if "one2one" in name] or list(ends)
    if len(kept) != 6:
        sys.exit(f"{source}: expected the six last convolutions of a head, found {len(kept)}")
    onnx.utils.extract_model(str(source), str(made), [graph.input[0].name], [ends[name] for name in kept])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    osprey = parser.parse_args().build / "osprey"
    worst = 0
    print("network     published   estimate           SiLU separate")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, fps in PUBLISHED.items():
            onnx = folder / f"network-{name}.onnx"  # a name that sim-model has no published time for
            split(export(name, folder), onnx)
            found = {}
            for silu in ("fused", "separate"):
                done = subprocess.run([osprey, "sim-model", onnx, "-o", folder / "made.rknn", "--silu", silu],
                                      check=True, capture_output=True, text=True)
                found[silu] = float(re.search(r"core +([\d.]+) ms an inference, estimated", done.stderr)[1])
            error = found["fused"] * fps / 1000 - 1
            worst = max(worst, abs(error))
            print(f"{name:10} {1000 / fps:7.1f} ms {found['fused']:8.1f} ms {error:+6.1%} {found['separate']:10.1f} ms", flush=True)
    print(f"at most {worst:.1%} off (asked: {MOST:.0%})")
    return worst > MOST


if __name__ == "__main__":
    sys.exit(main())
