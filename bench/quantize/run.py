#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""INT8 by osprey quantize, NNCF and ONNX Runtime: COCO AP, frames a second in OpenVINO, time and memory to make it.

    python3 bench/quantize/run.py [--model yolov8n.onnx] [--shared ../shared] [--keep FOLDER] [--rounds 6]
                                  [--toolkit PYTHON]

With a Python that has rknn-toolkit2 (`osprey export-rknn --install` makes one) its own quantisation and what it makes of
`osprey quantize --target rk3588` are judged, too, in its simulator. Run it with the Python of bench/requirements.txt. All calibrate with the same 128 pictures
(ONNX Runtime's Entropy with 16: it keeps all values), and are judged by `osprey eval` on coco_val64. Speed is OpenVINO's own,
one inference a time on all cores, models in turn, the best round of each. Exit code 1 if a target is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
PICTURES = 128
# Name: how it is made, and the most AP it may lose; None: a peer.
OURS = {
    "osprey": ([], 0.004),
    "osprey normal": (["--algorithm", "normal"], 0.010),
    "osprey kl_divergence": (["--algorithm", "kl_divergence"], 0.012),
    "osprey mmse": (["--algorithm", "mmse"], 0.008),
    "osprey percentile": (["--algorithm", "percentile"], None),
    "osprey normal, layer": (["--algorithm", "normal", "--method", "layer"], 0.020),
}
PEERS = {
    "NNCF PERFORMANCE": ("nncf", "PERFORMANCE", PICTURES, ".xml"),
    "NNCF MIXED": ("nncf", "MIXED", PICTURES, ".xml"),
    "ONNX Runtime MinMax": ("ort", "MinMax", PICTURES, ".onnx"),
    "ONNX Runtime Entropy": ("ort", "Entropy", 16, ".onnx"),
}
LEAST_SPEED = 0.98  # of the fastest peer's
TOOLKIT_PICTURES = 64
FARTHEST_SIMULATOR = 0.01  # AP, from OpenVINO's INT8


def run(command):
    """Seconds and most memory, MB. A child's memory is told only as the most of all: each has a parent of its own."""
    script = ("import resource, subprocess, sys\n"
              "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
              "print(done.stdout[-2000:] + done.stderr[-2000:] if done.returncode else '')\n"
              "sys.exit(done.returncode)\n")
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script, *map(str, command)], capture_output=True, text=True)
    took = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return took, float(done.stdout.split()[0])


def frames_a_second(models, rounds):
    import numpy
    import openvino

    core = openvino.Core()
    requests = {name: core.compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
                for name, path in models.items()}
    picture = numpy.random.default_rng(1).random((1, 3, 640, 640), dtype=numpy.float32)
    best = dict.fromkeys(models, float("inf"))
    for _ in range(rounds):
        for name, request in requests.items():
            request.infer([picture])
            start = time.perf_counter()
            for _ in range(8):
                request.infer([picture])
            best[name] = min(best[name], (time.perf_counter() - start) / 8)
    return {name: 1 / seconds for name, seconds in best.items()}


def without_head(model, like, target):
    """The network of floats up to the outputs that the model `like` has."""
    import onnx

    outputs = [output.name for output in onnx.load(like).graph.output]
    onnx.utils.extract_model(str(model), str(target), [onnx.load(model).graph.input[0].name], outputs)


def joined(log):
    """SiLUs that rknn-toolkit2 says it has made one step of."""
    return Path(log).read_text(errors="replace").count("fuse_sigmoid_mul_to_exswish: remove")


def simulated(python, osprey, model, pictures, labelled, folder, ap_of):
    """AP and SiLUs joined, of what rknn-toolkit2 makes of our INT8 and of its own."""
    ours = folder / "osprey_rk3588.onnx"
    subprocess.run([osprey, "quantize", model, "--data", pictures, "--target", "rk3588", "-o", ours, "--quiet"], check=True)
    floats = folder / "without_head.onnx"
    without_head(model, ours, floats)
    rows = {}
    for name, network, mode in (("osprey rk3588", ours, "qdq"), ("rknn-toolkit2 normal", floats, "normal"),
                                ("rknn-toolkit2 kl_divergence", floats, "kl_divergence")):
        found = folder / f"{mode}.json"
        took, memory = run([python, HERE / "simulate.py", network, mode, labelled / "instances.json", labelled / "images",
                            pictures, TOOLKIT_PICTURES, found])
        rows[name] = (ap_of("--detections", found), joined(f"{found}.log"), took, memory)
    return rows, ap_of("--model", ours, "--images", labelled / "images")


def options_for(description):
    """A parser with the options that these benchmarks share."""
    shared = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    return parser


def main():
    parser = options_for(__doc__)
    parser.add_argument("--keep", type=Path, help="where the models stay")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--toolkit", type=Path, default=os.environ.get("OSPREY_RKNN_TOOLKIT"))
    options = parser.parse_args()
    model = options.model or options.shared / "models/yolov8n.onnx"
    pictures = options.shared / "data/coco_calibration/images"
    labelled = options.shared / "data/coco_val64"
    for needed in (model, pictures, labelled):
        if not needed.exists():
            return print(f"skip  {needed} is not there")
    osprey = options.build / "osprey"

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)

        def ap_of(*what):
            found = subprocess.run([osprey, "eval", *what, "--data", labelled / "instances.json", "--only-coco", "--quiet",
                                    "--json", "-"], capture_output=True, text=True)
            if found.returncode:
                sys.exit(found.stderr)
            return json.loads(found.stdout)["coco"]["ap"]

        models, cost = {"float": model}, {"float": (0, 0)}
        for name, (flags, _) in OURS.items():
            models[name] = folder / (name.replace(",", "").replace(" ", "_") + ".onnx")
            cost[name] = run([osprey, "quantize", model, "--data", pictures, *flags, "-o", models[name]])
        for name, (tool, option, count, suffix) in PEERS.items():
            models[name] = folder / (name.replace(" ", "_") + suffix)
            cost[name] = run([sys.executable, HERE / "peers.py", tool, model, pictures, count, option, models[name]])
        accuracy = {name: ap_of("--model", path, "--images", labelled / "images") for name, path in models.items()}
        speed = frames_a_second(models, options.rounds)
        on_board = {}
        if options.toolkit:
            on_board, in_openvino = simulated(options.toolkit, osprey, model, pictures, labelled, folder, ap_of)

    print(f"{'':24}{'AP':>8}{'lost':>8}{'fps':>8}{'made in':>10}{'memory':>10}")
    for name in models:
        print(f"{name:24}{accuracy[name]:8.4f}{accuracy['float'] - accuracy[name]:8.4f}{speed[name]:8.1f}"
              f"{cost[name][0]:8.1f} s{cost[name][1]:7.0f} MB")
    missed = [f"{name}: lost {accuracy['float'] - accuracy[name]:.4f}, at most {most}" for name, (_, most) in OURS.items()
              if most is not None and accuracy["float"] - accuracy[name] > most]
    best = max(accuracy[name] for name in PEERS)
    fastest = max(speed[name] for name in PEERS)
    quickest = min(cost[name][0] for name, (_, _, count, _) in PEERS.items() if count == PICTURES)
    if accuracy["osprey"] < best:
        missed.append(f"osprey: AP {accuracy['osprey']:.4f}, the best peer's is {best:.4f}")
    if speed["osprey"] < LEAST_SPEED * fastest:
        missed.append(f"osprey: {speed['osprey']:.1f} fps, the fastest peer's {fastest:.1f}")
    missed += [f"{name}: made in {cost[name][0]:.1f} s, the quickest peer's in {quickest:.1f} s" for name in OURS
               if cost[name][0] >= quickest]
    if on_board:
        print(f"\n{'in the simulator of rknn-toolkit2':40}{'AP':>8}{'SiLUs joined':>14}{'whole run':>11}")
        for name, (found, silus, took, memory) in on_board.items():
            print(f"{name:40}{found:8.4f}{silus:14}{took:9.1f} s{memory:7.0f} MB")
        print(f"{'osprey rk3588, the same file in OpenVINO':40}{in_openvino:8.4f}")
        found, silus, *_ = on_board["osprey rk3588"]
        if abs(found - accuracy["osprey"]) > FARTHEST_SIMULATOR:
            missed.append(f"osprey rk3588: AP {found:.4f} in the simulator, {accuracy['osprey']:.4f} of INT8 in OpenVINO")
        if silus < on_board["rknn-toolkit2 normal"][1]:
            missed.append(f"osprey rk3588: {silus} SiLUs joined, of floats {on_board['rknn-toolkit2 normal'][1]}")
        if found < max(ap for ap, *_ in on_board.values()):
            missed.append("osprey rk3588: the toolkit's own quantisation is better")
    else:
        print("skip  rknn-toolkit2: no --toolkit PYTHON")
    print(*(missed or ["all targets met"]), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
