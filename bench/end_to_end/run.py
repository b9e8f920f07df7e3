#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Frames a second, latency, memory and start-up of `osprey detect` beside what people use instead.

    python3 bench/end_to_end/run.py --model yolov8n.onnx [--video vtest.avi] [--rounds 3]

Run it with a Python that has openvino, ultralytics and opencv-python (bench/requirements.txt). Every
round runs every contender once, one after the other, and what is compared by pairs three times in turn; shown are
medians. Before anything is
timed, Osprey's boxes on the video's first frames are compared with Ultralytics'.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"


def run(command, **kwargs):
    """Standard output, standard error, wall seconds and peak memory (MB) of a command."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        child = subprocess.Popen([str(c) for c in command], stdout=out, stderr=err, **kwargs)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        texts = out.read(), err.read()
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed with {child.returncode}:\n{texts[0]}{texts[1]}")
    return (*texts, wall, usage.ru_maxrss / 1024)


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"no {pattern!r} in:\n{text}")
    return float(found.group(1))


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.video = folder / "video.avi"
        run(["ffmpeg", "-v", "error", "-i", options.video, "-c", "copy", "-frames:v", options.frames, self.video])
        self.benchmark_app = Path(sys.executable).parent / "benchmark_app"
        self.ov_precision = ["-infer_precision", "f32"] if options.precision == "f32" else []
        self.osprey_precision = ["--precision", options.precision]

    def osprey(self, *flags):
        _, err, wall, memory = run([self.options.osprey, "detect", self.video, "--model", self.options.model,
                                    "--json", self.folder / "osprey.jsonl", *self.osprey_precision, *flags])
        return {"fps": number(r"frames +\d+ in [\d.]+ s: ([\d.]+) fps", err), "memory": memory,
                "p50": number(r"p50 ([\d.]+) ms", err), "wall": wall}

    def app(self, *flags):
        out, _, _, memory = run([self.benchmark_app, "-m", self.options.model, "-d", "CPU", "-t",
                                 self.options.seconds, *self.ov_precision, *flags])
        return {"fps": number(r"Throughput: +([\d.]+) FPS", out), "memory": memory,
                "p50": number(r"Median: +([\d.]+) ms", out)}

    def peer(self, name, *flags):
        out, _, _, memory = run([sys.executable, HERE / "peers.py", name, "--model", self.options.model,
                                 "--video", self.video, "--precision", self.options.precision, *flags])
        return {**json.loads(out.splitlines()[-1]), "memory": memory}

    def first_result(self):
        """Seconds from the process's start to the first line of JSON; and OpenVINO's own."""
        begun = time.perf_counter()
        child = subprocess.Popen([self.options.osprey, "detect", self.video, "--model", self.options.model, "--quiet",
                                  "--json", "-", *self.osprey_precision], stdout=subprocess.PIPE)
        child.stdout.readline()
        ours = time.perf_counter() - begun
        child.kill(), child.wait(), child.stdout.close()
        _, _, theirs, _ = run([self.options.build / "bench/end_to_end/openvino_first_inference", self.options.model,
                               self.options.precision])
        return {"osprey": ours, "openvino": theirs}

    def latencies(self):
        """p50 of one frame at a time, ours and benchmark_app's, in milliseconds."""
        return {"osprey": self.osprey("--lanes", "1", "--in-flight", "1")["p50"],
                "openvino": self.app("-hint", "latency")["p50"]}

    def check_answer(self):
        """Same objects as Ultralytics on the first frames: within 2 px and 0.05 in confidence."""
        self.osprey()
        frames = [json.loads(line)["objects"] for line in open(self.folder / "osprey.jsonl")]
        theirs = self.peer("ultralytics", "--limit", "20", "--boxes")["boxes"]
        compared = missing = 0
        for ours, expected in zip(frames, theirs):
            for x1, y1, x2, y2, score, label in expected:
                if score < 0.3:  # near the threshold either side may miss one
                    continue
                compared += 1
                missing += not any(
                    o["detection"]["label_id"] == label and abs(o["detection"]["confidence"] - score) < 0.05 and
                    max(abs(a - b) for a, b in zip((x1, y1, x2, y2), (o["bounding_box"][k] for k in
                        ("x_min", "y_min", "x_max", "y_max")))) < 2 for o in ours)
        print(f"answer: {compared - missing} of {compared} boxes of Ultralytics found within 2 px and 0.05")
        if compared == 0 or missing > compared * 0.02:
            sys.exit("the boxes differ: nothing is timed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--video", default=VIDEO)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=300, help="of the video, from its start")
    parser.add_argument("--seconds", type=int, default=10, help="for each run of benchmark_app")
    parser.add_argument("--precision", choices=["f32", "auto"], default="f32")
    options = parser.parse_args()
    options.osprey = options.build / "osprey"

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        bench.check_answer()
        contenders = {
            "osprey detect": bench.osprey,
            "benchmark_app -hint throughput": lambda: bench.app("-hint", "throughput"),
            "benchmark_app -nstreams 2": lambda: bench.app("-hint", "none", "-nstreams", "2"),
            "ultralytics (OpenVINO)": lambda: bench.peer("ultralytics"),
            "OpenVINO AsyncInferQueue": lambda: bench.peer("async_queue"),
            "OpenCV DNN": lambda: bench.peer("opencv"),
        }
        results = {name: [] for name in contenders}
        starts, latencies = [], []
        for round_ in range(options.rounds):
            for name, contender in contenders.items():
                results[name].append(contender())
                print(f"round {round_ + 1}  {name:40} {results[name][-1]['fps']:7.2f} fps", flush=True)
            starts += [bench.first_result() for _ in range(3)]
            latencies += [bench.latencies() for _ in range(3)]

    def median(name, key):
        return statistics.median(r[key] for r in results[name])

    print(f"\n{'':40} {'fps':>7} {'p50 ms':>8} {'peak MB':>8}")
    for name in contenders:
        p50 = f"{median(name, 'p50'):8.1f}" if "p50" in results[name][0] else " " * 8
        print(f"{name:40} {median(name, 'fps'):7.2f} {p50} {median(name, 'memory'):8.0f}")
    apps = "benchmark_app -hint throughput", "benchmark_app -nstreams 2"
    best = max(median(a, "fps") for a in apps)
    memory = min(median(a, "memory") for a in apps)
    latency, app_latency = (statistics.median(pair[k] for pair in latencies) for k in ("osprey", "openvino"))
    ours, theirs = (statistics.median(s[k] for s in starts) for k in ("osprey", "openvino"))
    print(f"\nfps / benchmark_app's best    {median('osprey detect', 'fps') / best:.3f}  (>= 0.95)")
    for name in ("ultralytics (OpenVINO)", "OpenVINO AsyncInferQueue", "OpenCV DNN"):
        print(f"fps / {name:24}{median('osprey detect', 'fps') / median(name, 'fps'):.3f}")
    print(f"latency p50, one at a time    {latency:.2f} ms, benchmark_app -hint latency {app_latency:.2f} ms"
          f"  (<= {1.05 * app_latency + 1:.2f}: 1.05 x that + 1 ms)")
    print(f"peak memory / benchmark_app's {median('osprey detect', 'memory') / memory:.3f}  (<= 1.3)")
    print(f"start to first result         {ours:.3f} s, OpenVINO's own {theirs:.3f} s: {ours / theirs:.3f}  (<= 1.2)")


if __name__ == "__main__":
    main()
