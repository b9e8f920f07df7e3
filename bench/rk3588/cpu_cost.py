#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the CPU pays for a frame while an NPU computes: 1920x1080 H.264 in, JSON Lines out, on the virtual board.

    python3 bench/rk3588/cpu_cost.py [--model yolov8n.onnx] [--rounds 3]

Beside it, in turn: decoding alone (`ffmpeg -f null`), scaling to the network's input alone (bench/preprocess) and reading
boxes alone (bench/postprocess, on a recorded answer). Exit code 1 if the whole costs more than 1.3 times their sum, or more
than 150 MB. Answers are replayed: what the virtual board copies to stand for the NPU's writing is in the whole as well.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VIDEO = "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
FRAMES, MOST_COST, MOST_MEMORY = 600, 1.3, 150
ANSWER = 84 * 8400 * 4  # bytes


def run(command, **environment):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=os.environ | environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def cpu_ms(command, **environment):
    """CPU time of a command for each of the video's frames, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = run(command, **environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / FRAMES, text


def main():
    shared = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shared / "models/yolov8n.onnx")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.model.is_file():
        return print(f"skip  {options.model} is not there")
    osprey, library = options.build / "osprey", options.build / "sim/rk3588/librknnrt.so"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        video, few, made, answers = folder / "v.mp4", folder / "few.avi", folder / "m.rknn", folder / "answers"
        run(["ffmpeg", "-v", "error", "-i", VIDEO, "-frames:v", FRAMES, "-vf", "scale=1920:1080", "-c:v", "libx264",
             "-preset", "veryfast", video])
        run(["ffmpeg", "-v", "error", "-i", VIDEO, "-c", "copy", "-frames:v", 16, few])
        run([osprey, "sim-model", options.model, "-o", made, "--core-ms", 13.6])
        detect = [osprey, "detect", "--model", made, "--rknn-library", library, "--json", folder / "o.jsonl"]
        run([*detect, few], OSPREY_SIM_ANSWERS="record", OSPREY_SIM_RECORDING=str(answers))
        with open(answers, "rb") as recorded:
            (folder / "one").write_bytes(recorded.read(ANSWER))

        def whole():
            cost, text = cpu_ms([*detect, video], OSPREY_SIM_ANSWERS="replay", OSPREY_SIM_RECORDING=str(answers))
            return cost, float(re.search(r"memory +(\d+) MB", text).group(1))

        wholes, decodes, scales, reads = [], [], [], []
        for _ in range(options.rounds):
            wholes.append(whole())
            decodes.append(cpu_ms(["ffmpeg", "-v", "error", "-i", video, "-f", "null", "-"])[0])
            scales.append(float(re.search(r"1920x1080 I420.*osprey ([\d.]+) ms",
                                          run([options.build / "bench/preprocess/preprocess_bench"])).group(1)))
            read = run([options.build / "bench/postprocess/postprocess_bench", folder / "one"])
            reads.append(min(json.loads(read)["microseconds"]) / 1000)
        cost, parts = min(c for c, _ in wholes), [min(decodes), min(scales), min(reads)]
        memory = max(m for _, m in wholes)
        share = cost / sum(parts)
        print(f"decoding {parts[0]:.2f} ms, scaling {parts[1]:.2f} ms, boxes {parts[2]:.2f} ms: {sum(parts):.2f} ms of CPU a frame")
        print(f"osprey detect {cost:.2f} ms: {share:.2f} of it{'' if share <= MOST_COST else '  MISSED'}; "
              f"{memory:.0f} MB at most{'' if memory <= MOST_MEMORY else '  MISSED'}")
        return share > MOST_COST or memory > MOST_MEMORY


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
