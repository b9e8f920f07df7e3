#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether `osprey eval --mot` gives TrackEval's numbers: on generated sequences that are odd in every way, and on tracks given.

    python3 bench/track/exact.py [--cases 60] [--tracks TRUTH FOUND]...
    python3 bench/track/exact.py --cases 18 --write src/evaluate/testdata/trackeval_cases.json

Run it with the Python of bench/requirements.txt. All numbers must be within 1e-9. A case is one to three sequences with objects
that leave and come back, frames without any, tracks that change their numbers, equal boxes, boxes without area, sequences of which
one side is empty, distractors and boxes that do not count. --write keeps the cases with TrackEval's numbers for the unit tests.
Exit code 1 if a number differs.
"""

import argparse
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import trackeval

ROOT = Path(__file__).resolve().parent.parent.parent
MOST = 1e-9
RULES = ["all", "mot17", "mot20"]
MEANS = {"hota": "HOTA", "det_a": "DetA", "ass_a": "AssA", "loc_a": "LocA", "det_re": "DetRe", "det_pr": "DetPr",
         "ass_re": "AssRe", "ass_pr": "AssPr"}
BY_IOU = {"hota_at": "HOTA", "det_at": "DetA", "ass_at": "AssA", "loc_at": "LocA"}
CLEAR = {"mota": "MOTA", "motp": "MOTP", "correct": "CLR_TP", "missed": "CLR_FN", "wrong": "CLR_FP", "id_switches": "IDSW",
         "fragments": "Frag", "mostly_tracked": "MT", "partly_tracked": "PT", "mostly_lost": "ML"}
IDENTITY = {"idf1": "IDF1", "id_recall": "IDR", "id_precision": "IDP", "id_correct": "IDTP", "id_missed": "IDFN", "id_wrong": "IDFP"}
COUNT = {"labels": "GT_Dets", "label_tracks": "GT_IDs", "boxes": "Dets", "tracks": "IDs"}


def ours(numbers):
    """TrackEval's dictionaries of one sequence, by our names."""
    made = {name: float(np.mean(numbers["HOTA"][theirs])) for name, theirs in MEANS.items()}
    made |= {name: [float(v) for v in numbers["HOTA"][theirs]] for name, theirs in BY_IOU.items()}
    for group, names in (("CLEAR", CLEAR), ("Identity", IDENTITY), ("Count", COUNT)):
        made |= {name: float(numbers[group][theirs]) for name, theirs in names.items()}
    return made


def frames_in(text):
    return max([int(line.split(",")[0]) for line in text.splitlines()], default=0)


def trackeval_numbers(case, folder):
    for name, (truth, found) in case["sequences"].items():
        for path, text in ((folder / "gt" / name / "gt/gt.txt", truth), (folder / "tr/t/data" / f"{name}.txt", found)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    lengths = {name: max(1, frames_in(t), frames_in(f)) for name, (t, f) in case["sequences"].items()}
    quiet = {"PRINT_CONFIG": False, "PRINT_RESULTS": False, "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False, "PLOT_CURVES": False,
             "TIME_PROGRESS": False, "OUTPUT_EMPTY_CLASSES": False, "USE_PARALLEL": False, "RAISE_IF_TRACKER_DOES_NOT_EXIST": True, "BREAK_ON_ERROR": True}
    dataset = trackeval.datasets.MotChallenge2DBox(
        {"GT_FOLDER": str(folder / "gt"), "TRACKERS_FOLDER": str(folder / "tr"), "SEQ_INFO": lengths, "SKIP_SPLIT_FOL": True,
         "BENCHMARK": "MOT20" if case["rules"] == "mot20" else "MOT17", "DO_PREPROC": case["rules"] != "all", "PRINT_CONFIG": False})
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
               trackeval.metrics.Identity({"PRINT_CONFIG": False})]
    with contextlib.redirect_stdout(io.StringIO()):
        results, _ = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
    of_all = results["MotChallenge2DBox"]["t"]
    return {"all" if name == "COMBINED_SEQ" else name: ours(numbers["pedestrian"]) for name, numbers in of_all.items()}


def osprey_numbers(case, folder):
    done = subprocess.run([ROOT / "build/osprey", "eval", "--mot", folder / "gt", "--tracks", folder / "tr/t/data", "--mot-rules",
                           case["rules"], "--json", "-"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    result = json.loads(done.stdout)
    return {"all": result["all"]} | {one["name"]: one for one in result["sequences"]}


def differences(expected, found):
    for name, numbers in expected.items():
        for key, value in numbers.items():
            pairs = zip(value, found[name][key]) if isinstance(value, list) else [(value, found[name][key])]
            for a, b in pairs:
                if not abs(a - b) <= MOST:
                    yield f"{name} {key}: TrackEval {a!r}, osprey {b!r}"


def sequence(draw, rules):
    """Walkers, and what a tracker may make of them."""
    frames, walkers = draw.randint(1, 40), draw.randint(0, 7)
    whole = draw.random() < 0.3  # brings equal overlaps
    number = lambda value: round(value) if whole else round(value, 2)
    truth, found = [], []
    next_id = 100
    for walker in range(walkers):
        begin, end = sorted((draw.randint(1, frames), draw.randint(1, frames)))
        x, y, w, h = draw.uniform(0, 300), draw.uniform(0, 200), draw.uniform(5, 60), draw.uniform(10, 90)
        dx, dy = draw.uniform(-6, 6), draw.uniform(-3, 3)
        kind = 1 if rules == "all" or draw.random() < 0.6 else draw.choice([2, 3, 6, 7, 8, 12])
        noise, track = draw.choice([0, 0, 1, 4]), next_id
        next_id += 1
        for frame in range(begin, end + 1):
            x, y = x + dx, y + dy
            if draw.random() < 0.07:
                continue
            counts = int(draw.random() > 0.08)
            truth.append((frame, walker + 1, number(x), number(y), number(w), number(h), counts, kind, 1))
            if draw.random() < 0.08:  # lost, or taken for another
                track, next_id = next_id, next_id + 1
            if draw.random() < 0.15:
                continue
            shift = [draw.gauss(0, 1) * noise for _ in range(4)]
            box = [number(v + s) for v, s in zip((x, y, w, h), shift)]
            found.append((frame, track, box[0], box[1], max(0, box[2]), max(0, box[3]), 0.9, -1, -1, -1))
    for _ in range(draw.randint(0, 8)):
        found.append((draw.randint(1, frames), next_id, number(draw.uniform(0, 300)), number(draw.uniform(0, 200)), 20, 40, 0.3, -1, -1, -1))
        next_id += 1
    draw.shuffle(truth)
    if draw.random() < 0.1:
        truth = []
    if draw.random() < 0.1:
        found = []
    text = lambda rows: "".join(",".join(str(v) for v in row) + "\n" for row in rows)
    return text(truth), text(found)


def generated(seed):
    draw = random.Random(seed)
    rules = RULES[seed % 3]
    return {"rules": rules, "sequences": {f"s{i}": sequence(draw, rules) for i in range(draw.randint(1, 3))}}


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--cases", type=int, default=60)
    asked.add_argument("--tracks", nargs=2, action="append", default=[], metavar=("TRUTH", "FOUND"))
    asked.add_argument("--write")
    asked = asked.parse_args()
    cases = [generated(seed) for seed in range(asked.cases)]
    for truth, found in asked.tracks:
        cases.append({"rules": "all", "sequences": {"given": (Path(truth).read_text(), Path(found).read_text())}})
    wrong = 0
    for number, case in enumerate(cases):
        with tempfile.TemporaryDirectory() as folder:
            case["expected"] = trackeval_numbers(case, Path(folder))
            if asked.write:
                continue
            for line in differences(case["expected"], osprey_numbers(case, Path(folder))):
                print(f"case {number}: {line}")
                wrong += 1
    if asked.write:
        origin = f"TrackEval {trackeval.__version__ if hasattr(trackeval, '__version__') else '1.3.0'}, bench/track/exact.py"
        Path(asked.write).write_text(json.dumps({"origin": origin, "cases": cases}, separators=(",", ":")) + "\n")
        return 0
    print(f"{len(cases)} cases: {wrong} numbers differ by more than {MOST:g}" if wrong else f"{len(cases)} cases: all numbers are TrackEval's")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
