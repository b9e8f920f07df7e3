#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Osprey's tracker beside Ultralytics' and Roboflow's ByteTrack, on the same detections, with every frame and with dropped ones.

    build/osprey detect vtest.avi --model yolov8n.onnx --conf 0.1 --json detections.jsonl
    python3 bench/track/run.py detections.jsonl --fps 10
    python3 bench/track/run.py --generated

Run it with the Python of bench/requirements.txt. From a file, people are followed; as nobody labelled them, a run with dropped
frames is compared with the same tracker's run on all frames: switched numbers are numbers that dropping changed. --generated makes
crowds whose truth is known, and takes HOTA, IDF1 and switches from `osprey eval --mot`.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
WIDTH, HEIGHT = 1920, 1080


class Osprey:
    name = "osprey"

    def run(self, frames, fps):
        lines = []
        for number, boxes in frames:
            lines.append(f"{number}")
            lines += [f"{number},0,{b[0]},{b[1]},{b[2] - b[0]},{b[3] - b[1]},{b[4]}" for b in boxes]
        done = subprocess.run([ROOT / "build/bench/track/track_file", str(fps)], input="\n".join(lines) + "\n", capture_output=True,
                              text=True, check=True)
        rows = [[float(v) for v in line.split(",")[:7]] for line in done.stdout.splitlines()]
        return rows, float(done.stderr.split()[0])


class Ultralytics:
    name = "ultralytics"

    def run(self, frames, fps):
        from ultralytics.engine.results import Boxes
        from ultralytics.trackers.byte_tracker import BYTETracker
        from ultralytics.utils import IterableSimpleNamespace, YAML
        from ultralytics.utils.checks import check_yaml
        tracker = BYTETracker(IterableSimpleNamespace(**YAML.load(check_yaml("bytetrack.yaml"))))
        rows, spent = [], 0.0
        for number, boxes in frames:
            data = np.array([[*b[:5], 0] for b in boxes], dtype=np.float32).reshape(-1, 6)
            begin = time.process_time()
            tracks = tracker.update(Boxes(data, (HEIGHT, WIDTH)))
            spent += time.process_time() - begin
            for track in tracks:  # the detection's own box, as osprey gives it
                b = boxes[int(track[-1])]
                rows.append([number, int(track[4]), b[0], b[1], b[2] - b[0], b[3] - b[1], b[4]])
        return rows, 1e6 * spent / len(frames)


class Roboflow:
    """The package trackers, which supervision's ByteTrack became; its thresholds set to Ultralytics'."""
    name = "trackers"

    def run(self, frames, fps):
        import supervision as sv
        from trackers import ByteTrackTracker
        tracker = ByteTrackTracker(lost_track_buffer=30, frame_rate=30.0, track_activation_threshold=0.25, high_conf_det_threshold=0.25,
                                   minimum_iou_threshold=0.2)
        rows, spent = [], 0.0
        for number, boxes in frames:
            data = np.array([b[:4] for b in boxes], dtype=np.float32).reshape(-1, 4)
            found = sv.Detections(xyxy=data, confidence=np.array([b[4] for b in boxes], dtype=np.float32), class_id=np.zeros(len(boxes), int))
            begin = time.process_time()
            found = tracker.update(found)
            spent += time.process_time() - begin
            for box, score, track in zip(found.xyxy, found.confidence, found.tracker_id):
                if track is not None and track >= 0:
                    rows.append([number, int(track), box[0], box[1], box[2] - box[0], box[3] - box[1], score])
        return rows, 1e6 * spent / len(frames)


def people_of(path):
    frames = []
    for line in open(path):
        frame = json.loads(line)
        boxes = []
        for found in frame.get("objects", []):
            if found["detection"]["label"] == "person":
                b = found["bounding_box"]
                boxes.append((b["x_min"], b["y_min"], b["x_max"], b["y_max"], found["detection"]["confidence"]))
        frames.append((frame["sequence"] + 1, boxes))
    return frames


def crowd(seed, frames=600, people=25):
    """(truth rows, frames of detections): people who turn, pass each other, are hidden, and are badly seen at times."""
    draw = random.Random(seed)
    walkers = []
    for _ in range(people):
        h = draw.uniform(90, 260)
        walkers.append({"x": draw.uniform(0, WIDTH), "y": draw.uniform(200, HEIGHT), "h": h, "w": h * draw.uniform(0.33, 0.45),
                        "a": draw.uniform(0, 2 * math.pi), "v": h * draw.uniform(0.005, 0.02)})
    truth, seen = [], []
    for frame in range(1, frames + 1):
        boxes = []
        for number, p in enumerate(walkers):
            p["a"] += draw.gauss(0, 0.03)
            p["x"] += p["v"] * math.cos(p["a"])
            p["y"] += 0.3 * p["v"] * math.sin(p["a"])
            if not (0 < p["x"] < WIDTH and 150 < p["y"] < HEIGHT):
                p["a"] += math.pi
            boxes.append((number, p["x"] - p["w"] / 2, p["y"] - p["h"], p["x"] + p["w"] / 2, p["y"]))
        found = []
        for number, x1, y1, x2, y2 in boxes:
            truth.append((frame, number + 1, x1, y1, x2 - x1, y2 - y1, 1, 1, 1))
            hidden = 0.0  # by whoever stands before: lower in the picture
            for other, a1, b1, a2, b2 in boxes:
                if other != number and b2 > y2:
                    overlap = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
                    hidden = max(hidden, overlap / ((x2 - x1) * (y2 - y1)))
            score = min(0.95, draw.gauss(0.75, 0.12)) * (1 - hidden) if hidden < 0.85 else 0
            if score > 0.1 and draw.random() > 0.03:
                noise = [draw.gauss(0, 0.015) * (y2 - y1) for _ in range(4)]
                found.append((x1 + noise[0], y1 + noise[1], x2 + noise[2], y2 + noise[3], score))
        for _ in range(draw.choice([0, 0, 0, 1])):
            x, y = draw.uniform(0, WIDTH - 80), draw.uniform(0, HEIGHT - 180)
            found.append((x, y, x + 80, y + 180, draw.uniform(0.1, 0.4)))
        found.sort(key=lambda b: -b[4])
        seen.append((frame, found))
    return truth, seen


def scores(truth, found):
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in (("truth", truth), ("found", found)):
            Path(folder, name + ".txt").write_text("".join(",".join(str(v) for v in row) + "\n" for row in rows))
        done = subprocess.run([ROOT / "build/osprey", "eval", "--mot", Path(folder, "truth.txt"), "--tracks", Path(folder, "found.txt"),
                               "--json", "-"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["all"]


def kept(frames, drop):
    if drop == "none":
        return frames
    draw = random.Random(5)
    share = {"half": 0.5, "two thirds": 2 / 3, "four fifths": 0.8}[drop]
    return [frame for frame in frames if draw.random() >= share]


def lengths(rows):
    first, last = {}, {}
    for row in rows:
        first.setdefault(row[1], row[0])
        last[row[1]] = row[0]
    return sorted(last[i] - first[i] + 1 for i in first)


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("detections", nargs="?")
    asked.add_argument("--fps", type=float, default=25)
    asked.add_argument("--generated", action="store_true")
    asked.add_argument("--crowds", type=int, default=5)
    asked.add_argument("--truth", help="write Osprey's tracks of all frames here, for exact.py --tracks")
    asked = asked.parse_args()
    trackers = [Osprey(), Ultralytics(), Roboflow()]
    if asked.generated:
        print("dropped       tracker        HOTA   AssA   IDF1  switches  numbers   us a frame")
        crowds = [crowd(seed) for seed in range(asked.crowds)]
        for drop in ("none", "half", "two thirds", "four fifths"):
            for tracker in trackers:
                total = []
                for truth, seen in crowds:
                    frames = kept(seen, drop)
                    numbers = {number for number, _ in frames}
                    rows, spent = tracker.run(frames, 25)
                    s = scores([row for row in truth if row[0] in numbers], rows)
                    total.append((s["hota"], s["ass_a"], s["idf1"], s["id_switches"], s["tracks"], spent))
                m = np.mean(total, axis=0)
                print(f"{drop:13} {tracker.name:12} {m[0]:6.3f} {m[1]:6.3f} {m[2]:6.3f} {m[3]:8.1f} {m[4]:8.1f} {m[5]:11.1f}")
        return 0
    frames = people_of(asked.detections)
    whole = {}
    print("dropped       tracker     numbers  median length  to all frames: HOTA   IDF1  switches   us a frame")
    for drop in ("none", "half", "two thirds", "four fifths"):
        some = kept(frames, drop)
        numbers = {number for number, _ in some}
        for tracker in trackers:
            rows, spent = tracker.run(some, asked.fps)
            whole.setdefault(tracker.name, rows)
            if drop == "none" and tracker.name == "osprey" and asked.truth:
                Path(asked.truth).write_text("".join(",".join(str(v) for v in [int(r[0]), int(r[1]), *r[2:6], 1, 1, 1]) + "\n" for r in rows))
            reference = [[*row[:6], 1, 1, 1] for row in whole[tracker.name if drop != "none" else "osprey"] if row[0] in numbers]
            s = scores(reference, rows)
            spans = lengths(rows)
            print(f"{drop:13} {tracker.name:12} {len(spans):6} {spans[len(spans) // 2] / asked.fps:12.1f} s {s['hota']:20.3f} {s['idf1']:6.3f} "
                  f"{s['id_switches']:8} {spent:12.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
