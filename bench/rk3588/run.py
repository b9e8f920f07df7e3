#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the note on the RK3588 measured, on the virtual board: its way, Osprey's, and the ceiling.

    python3 bench/rk3588/run.py [--model yolov8n.onnx] [--rounds 3]

The virtual board's cores take as long as a board's; what they answer was recorded once from real pictures, so that
decoding, scaling and post-processing have real work. Models but YOLOv8n are its network at the others' published cost:
their outputs have the same shape. "The note's way" is `note_way.c`: a thread a core, each with its own frame, 20 ms of
post-processing after each inference, and tiles that wait for their frame's last one. Before anything is timed, what the
board computes is compared with OpenVINO: the same bytes of JSON Lines.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
LEAST = 0.97
CORES = 3
PUBLISHED = {"yolov8n": 73.5, "yolov8s": 38.0, "yolov5s": 48.4, "yolo11n": 60.0, "yolov8m": 16.2}  # one core, fps


def run(command, answers=None, recording=None):
    environment = dict(os.environ)
    if answers:
        environment |= {"OSPREY_SIM_ANSWERS": answers, "OSPREY_SIM_RECORDING": str(recording)}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.library = options.build / "sim/rk3588/librknnrt.so"
        self.recording = folder / "answers"
        self.small = folder / "small.avi"
        self.large = folder / "large.mp4"
        run(["ffmpeg", "-v", "error", "-i", VIDEO, "-c", "copy", "-frames:v", 16, folder / "few.avi"])
        run(["ffmpeg", "-v", "error", "-stream_loop", 1, "-i", VIDEO, "-c", "copy", self.small])
        run(["ffmpeg", "-v", "error", "-i", VIDEO, "-frames:v", 400, "-vf", "scale=1920:1080", "-c:v", "libx264",
             "-preset", "ultrafast", self.large])
        self.check_answers()

    def osprey(self, video, *flags, answers="replay", json_file="o.jsonl"):
        return run([self.options.build / "osprey", "detect", video, "--rknn-library", self.library, "--json",
                    self.folder / json_file, *flags], answers, self.recording)

    def sim_model(self, name, core_ms):
        made = self.folder / f"{name}.rknn"
        run([self.options.build / "osprey", "sim-model", self.options.model, "-o", made, "--core-ms", core_ms])
        return made

    def check_answers(self):
        """Also records what the timed runs replay."""
        few = self.folder / "few.avi"
        self.osprey(few, "--model", self.sim_model("check", 1), answers="record", json_file="board.jsonl")
        run([self.options.build / "osprey", "detect", few, "--model", self.options.model, "--json",
             self.folder / "openvino.jsonl"])
        board, openvino = ((self.folder / name).read_text() for name in ("board.jsonl", "openvino.jsonl"))
        if board != openvino:
            sys.exit("the board finds other things than OpenVINO: nothing is timed")
        objects = sum(len(json.loads(line)["objects"]) for line in board.splitlines())
        print(f"answers: {objects} objects in 16 frames, on the board and in OpenVINO, the same bytes")

    def measure(self, video, *flags):
        log = self.osprey(video, *flags)
        with open(self.folder / "o.jsonl") as lines:
            order = [json.loads(line)["sequence"] for line in lines]
        if order != list(range(len(order))):
            sys.exit("frames came out of order")
        return {"fps": float(re.search(r"frames +\d+ in [\d.]+ s: ([\d.]+) fps", log).group(1)),
                "cores": [int(c) for c in re.findall(r"\d: (\d+) % busy", log)]}

    def note_way(self, model, threads, frames, parts=1, post_ms=20):
        text = run([self.options.build / "bench/rk3588/note_way", model, threads, frames, parts, post_ms], "none", "")
        return {"fps": float(text.split()[0]), "cores": [int(c) for c in re.findall(r"(\d+) %", text)]}


def cores(found):
    return " / ".join(f"{c}" for c in found["cores"]) + " %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=SHARED / "models/yolov8n.onnx")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    absent = [p for p in (options.model, Path(VIDEO)) if not p.is_file()]
    if absent:
        sys.exit(print(f"skip  {absent[0]} is not there"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        slow, fast = bench.sim_model("note", 50), bench.sim_model("yolov8n", 1000 / PUBLISHED["yolov8n"])
        second = bench.sim_model("second", 1000 / PUBLISHED["yolov8n"])
        plan = Path(folder) / "series.yaml"
        plan.write_text(f"models:\n- model: {fast}\n  name: first\n  max-det: 2\n- model: {second}\n  after: first\n"
                        "  min-size: 8\n  max-crops: 1\n")
        three = CORES * PUBLISHED["yolov8n"]
        tiles = ["--tiles", "2x2"], ["--tiles", "640"]
        rows = [  # what, the note, its way here, Osprey, ceiling in frames a second
            ("one thread, 50 ms and 20 ms after it", "14+", lambda: bench.note_way(slow, 1, 60),
             lambda: bench.measure(bench.folder / "few.avi", "--model", slow, "--cores", "0"), 20),
            ("three threads, in order", "40+, each 40 %", lambda: bench.note_way(slow, 3, 180),
             lambda: bench.measure(bench.large, "--model", slow, "--vid-stride", 2), 60),
            *((f"{name}, {1000 / fps:.1f} ms", "", lambda m=bench.sim_model(name, 1000 / fps): bench.note_way(m, 3, 200),
               lambda m=Path(folder) / f"{name}.rknn", n=max(1, int(38 / fps)): bench.measure(
                   bench.small, "--model", m, "--vid-stride", n), CORES * fps) for name, fps in PUBLISHED.items()),
            ("YOLOv8n, 4 tiles of 1920x1080", "17, 38 / 18 / 18 %", lambda: bench.note_way(fast, 3, 100, 4),
             lambda: bench.measure(bench.large, "--model", fast, *tiles[0]), three / 4),
            ("YOLOv8n, 6 tiles of 1920x1080", "20+", lambda: bench.note_way(fast, 3, 100, 6),
             lambda: bench.measure(bench.large, "--model", fast, *tiles[1]), three / 6),
            ("two of YOLOv8n, side by side", "20+, 18 to 38 %", lambda: bench.note_way(fast, 3, 100, 2),
             lambda: bench.measure(bench.small, "--model", fast, "--model", second), three / 2),
            ("two of YOLOv8n, one after the other", "20+, 18 to 38 %", lambda: bench.note_way(fast, 3, 100, 2),
             lambda: bench.measure(bench.small, "--config", plan), three / 2),
        ]
        print(f"\n{'':38} {'the note':>20} {'its way here':>30} {'Osprey':>30} {'ceiling':>8} {'share':>6}")
        for what, note, theirs, ours, ceiling in rows:
            naive = theirs()
            found = [ours() for _ in range(options.rounds)]
            best = max(found, key=lambda f: f["fps"])
            share = best["fps"] / ceiling
            print(f"{what:38} {note:>20} {naive['fps']:9.1f} {cores(naive):>20} {best['fps']:9.1f} {cores(best):>20} "
                  f"{ceiling:8.1f} {share:6.3f}{'' if share >= LEAST else '  MISSED'}"
                  f"  (median {statistics.median(f['fps'] for f in found):.1f})", flush=True)


if __name__ == "__main__":
    main()
