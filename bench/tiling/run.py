#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tiled frames: `osprey detect --tiles` beside SAHI, supervision and OpenVINO's own speed on the tiles.

    python3 bench/tiling/run.py [--model yolov8n.onnx] [--osprey build/osprey] [--rounds 3] [--only merging]

Run it with the Python of bench/requirements.txt. All sides run the same ONNX file in OpenVINO with the same
precision, on the same tiles: 640 with overlap 0.2, no whole frame. The pictures are written as BMP, so
that all see the same pixels; Osprey's figures include reading these files, SAHI and supervision get arrays.
Every round runs every contender once, one after the other; shown are medians. Before anything is timed, the
boxes of SAHI and of supervision are compared with Osprey's of the same method. Exit code 1 if boxes differ;
a target that is missed is said so in the table.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", ROOT.parent / "shared"))
TILES = ["--tiles", "640", "--overlap", "0.2"]
MOST_FOR_TEN_TIMES = 14
METHODS = "fragments", "nms", "greedy_nmm", "nmm", "wbf"
PUBLISHED_NMM = 48.9  # seconds that SAHI published for about 33,000 boxes; 0.12.8 is faster, so it is timed too

spec = importlib.util.spec_from_file_location("end_to_end", HERE.parent / "end_to_end/run.py")
end_to_end = importlib.util.module_from_spec(spec)
spec.loader.exec_module(end_to_end)
run, number = end_to_end.run, end_to_end.number


def verdict(what, value, bound, at_most=False):
    held = value <= bound if at_most else value >= bound
    print(f"{what:66} {value:9.3f}  ({'<=' if at_most else '>='} {bound}){'' if held else '  MISSED'}")


class Bench(end_to_end.Bench):
    """What end_to_end's has of benchmark_app, with a scene cut into tiles in the place of a video."""

    def __init__(self, options, folder, scene):
        self.options = options
        self.folder = folder / scene.stem
        self.benchmark_app = Path(sys.executable).parent / "benchmark_app"
        self.ov_precision = ["-infer_precision", "f32"] if options.precision == "f32" else []
        self.write_pictures(scene)

    def write_pictures(self, scene):
        """As many copies of the scene as make enough tiles, and these tiles as pictures of their own."""
        import cv2
        from sahi.slicing import get_slice_bboxes

        picture = cv2.imread(str(scene))
        if picture is None:
            sys.exit(f"{scene}: not a readable picture")
        self.height, self.width = picture.shape[:2]
        boxes = get_slice_bboxes(self.height, self.width, 640, 640, False, 0.2, 0.2)
        self.tiles = len(boxes)
        self.copies = max(2, -(-self.options.tiles // self.tiles))
        for name, parts in ("frames", [(0, 0, self.width, self.height)]), ("tiles", boxes):
            at = self.folder / name
            at.mkdir(parents=True)
            for k, (x1, y1, x2, y2) in enumerate(parts):
                cv2.imwrite(str(at / f"0000_{k:03}.bmp"), picture[y1:y2, x1:x2])
                for copy in range(1, self.copies):
                    (at / f"{copy:04}_{k:03}.bmp").symlink_to(f"0000_{k:03}.bmp")
        self.picture = self.folder / "frames/0000_000.bmp"

    def osprey(self, pictures, *flags):
        _, err, _, memory = run([self.options.osprey, "detect", pictures, "--model", self.options.model, "--json",
                                 self.folder / "osprey.jsonl", "--precision", self.options.precision, *flags])
        in_network, reading = (number(rf"(\d+) % {what}", err) / 100
                               for what in ("inference", "waiting for the source"))
        return {"fps": number(r"frames +\d+ in [\d.]+ s: ([\d.]+) fps", err), "memory": memory,
                "p50": number(r"p50 ([\d.]+) ms", err), "outside": 1 - in_network, "reading": reading, "log": err}

    def tiled(self, *flags):
        found = self.osprey(self.folder / "frames", *TILES, *flags)
        tiles = number(r"tiles +\d+ in all, ([\d.]+) a frame", found["log"])
        if tiles != self.tiles:
            sys.exit(f"Osprey makes {tiles} tiles of a frame, SAHI {self.tiles}: nothing is timed")
        return {**found, "tiles/s": number(r"a frame: ([\d.]+) a second", found["log"]), "seconds": 1 / found["fps"]}

    def one_at_a_time(self):
        """The seconds are those from a frame in memory to its boxes, as SAHI's are."""
        found = self.tiled("--lanes", "1", "--in-flight", "1")
        return {**found, "seconds": found["p50"] / 1000, "tiles/s": self.tiles / found["p50"] * 1000}

    def whole(self):
        """The same pixels as `tiled` looks at, each tile a picture."""
        return {"tiles/s": self.osprey(self.folder / "tiles")["fps"]}

    def runtime(self, *flags):
        return {"tiles/s": self.app(*flags)["fps"]}

    def peer(self, name, *flags, frames=None):
        out, _, _, memory = run([sys.executable, HERE / "peers.py", name, "--model", self.options.model, "--picture",
                                 self.picture, "--precision", self.options.precision, "--frames",
                                 frames or self.copies, *flags])
        found = json.loads(out.splitlines()[-1])
        if found["tiles"] != self.tiles:
            sys.exit(f"{name} makes {found['tiles']} tiles of a frame, SAHI {self.tiles}: nothing is timed")
        return {**found, "tiles/s": self.tiles / found["seconds"], "memory": memory}

    def check_answer(self):
        """The peers' boxes among Osprey's of the same method, and no more of them: within 2 px and 0.05."""
        for name, merge in ("sahi_bare", ["greedy_nmm", "--merge-metric", "ios"]), ("supervision", ["nms"]):
            self.osprey(self.picture, *TILES, "--merge", *merge)
            with open(self.folder / "osprey.jsonl") as lines:
                ours = [([o["bounding_box"][k] for k in ("x_min", "y_min", "x_max", "y_max")],
                         o["detection"]["confidence"], o["detection"]["label_id"])
                        for o in json.loads(lines.readline())["objects"]]
            theirs = [(box, score, label) for *box, score, label in self.peer(name, frames=1)["boxes"]]
            apart = sum(not any(a[2] == b[2] and abs(a[1] - b[1]) < 0.05 and
                                max(abs(p - q) for p, q in zip(a[0], b[0])) < 2 for b in other)
                        for these, other in ((theirs, ours), (ours, theirs)) for a in these if a[1] >= 0.3)
            print(f"answer: {len(theirs)} boxes of {name}, {len(ours)} of --merge {merge[0]}, {apart} without a like")
            if not theirs or apart > len(theirs) * 0.02:
                sys.exit("the boxes differ: nothing is timed")


def medians(results):
    return {key: statistics.median(r[key] for r in results) for key, value in results[0].items()
            if isinstance(value, (int, float))}


def interleaved(contenders, rounds):
    results = {name: [] for name in contenders}
    for round_ in range(rounds):
        for name, contender in contenders.items():
            results[name].append(contender())
            print(f"round {round_ + 1}  {name:44} {results[name][-1]['tiles/s']:7.2f} tiles/s", flush=True)
    return {name: medians(r) for name, r in results.items()}


def measure_scene(options, folder, scene):
    bench = Bench(options, folder, scene)
    print(f"\n{scene.name}: {bench.width}x{bench.height}, {bench.tiles} tiles a frame, {bench.copies} frames a run")
    bench.check_answer()
    found = interleaved({
        "osprey": bench.tiled,
        "osprey, one frame at a time": bench.one_at_a_time,
        "osprey, the tiles as pictures": bench.whole,
        "SAHI": lambda: bench.peer("sahi"),
        "SAHI, bare OpenVINO in place of Ultralytics": lambda: bench.peer("sahi_bare"),
        "supervision, 1 thread": lambda: bench.peer("supervision"),
        "supervision, 2 threads": lambda: bench.peer("supervision", "--workers", 2),
        "benchmark_app -hint throughput": lambda: bench.runtime("-hint", "throughput"),
        "benchmark_app -nstreams 2": lambda: bench.runtime("-hint", "none", "-nstreams", "2"),
    }, options.rounds)

    print(f"\n{'':44} {'s a frame':>9} {'tiles/s':>8} {'outside the network':>20} {'peak MB':>8}")
    for name, f in found.items():
        seconds = f"{f['seconds']:9.3f}" if "seconds" in f else " " * 9
        outside = f"{100 * f['outside']:.1f} %" if "outside" in f else ""
        if "reading" in f:
            outside += f" ({100 * f['reading']:.0f} reading)"
        memory = f"{f['memory']:8.0f}" if "memory" in f else ""
        print(f"{name:44} {seconds} {f['tiles/s']:8.2f} {outside:>20} {memory}")
    ours = found["osprey"]["tiles/s"]
    best = max(f["tiles/s"] for name, f in found.items() if name.startswith("benchmark_app"))
    threads = max(f["tiles/s"] for name, f in found.items() if name.startswith("supervision"))
    one = found["osprey, one frame at a time"]["seconds"]
    print()
    verdict("tiles/s / benchmark_app's best", ours / best, 0.95)
    verdict("tiles/s / SAHI's", ours / found["SAHI"]["tiles/s"], 1.15)
    verdict("tiles/s / pictures/s of the same tiles", ours / found["osprey, the tiles as pictures"]["tiles/s"], 0.95)
    bare = found["SAHI, bare OpenVINO in place of Ultralytics"]["tiles/s"]
    print(f"{'tiles/s / those of SAHI with bare OpenVINO':66} {ours / bare:9.3f}")
    print(f"{'tiles/s / the faster of supervision':66} {ours / threads:9.3f}")
    print(f"{'one frame at a time: SAHI seconds / Osprey seconds':66} {found['SAHI']['seconds'] / one:9.3f}")


def merge_bench(options):
    """CPU milliseconds and boxes of each case of tiling_bench, which checks its answers itself."""
    out, *_ = run([options.tiling_bench, "--benchmark_filter=/(100_objects|33000_boxes|330000_boxes)$",
                   f"--benchmark_repetitions={options.rounds}", "--benchmark_min_time=0.1s",
                   "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"])
    times, boxes = {}, {}
    for case in json.loads(out)["benchmarks"]:
        if case["run_type"] == "iteration":
            times.setdefault(case["run_name"], []).append(case["cpu_time"])
            boxes[case["run_name"]] = case["boxes"]
    return {name: statistics.median(t) for name, t in times.items()}, boxes


def parts(name, *flags):
    out, *_ = run([sys.executable, HERE / "peers.py", name, *flags])
    return json.loads(out.splitlines()[-1])


def measure_merging(options):
    print("\nslicing and merging alone: 100 objects on the 8 tiles of a 1920x1080 frame, CPU time")
    sahi, supervision = [], []
    for _ in range(options.rounds):
        sahi.append(parts("sahi_parts", "--frames", 50))
        supervision.append(parts("supervision_parts", "--frames", 50))
    times, boxes = merge_bench(options)
    sahi, supervision = medians(sahi), medians(supervision)
    sahi_ms = 1000 * (sahi["slicing"] + sahi["merging"])
    supervision_ms = 1000 * supervision["both"]
    print(f"SAHI, GREEDYNMM IOS    {sahi_ms:8.3f} ms, of which slicing {1000 * sahi['slicing']:.3f}; "
          f"{sahi['boxes']:.0f} boxes, {sahi['merged']:.0f} left")
    print(f"supervision, NMS IOU   {supervision_ms:8.3f} ms; "
          f"{supervision['boxes']:.0f} boxes, {supervision['merged']:.0f} left")
    for method in METHODS:
        name = f"{method}/100_objects"
        print(f"Osprey, {method:14} {times[name]:8.4f} ms; {boxes[name]:.0f} boxes")
    # By box, for the made-up scenes are of one recipe but not of as many boxes. Osprey's tiles are views of
    # the frame that the plan lists once, when a stream starts: it has nothing to slice.
    for method in "greedy_nmm", "fragments":
        ours = times[f"{method}/100_objects"] / boxes[f"{method}/100_objects"]
        verdict(f"SAHI / Osprey's {method}, by box", sahi_ms / sahi["boxes"] / ours, 10)
    for method in "nms", "fragments":
        ours = times[f"{method}/100_objects"] / boxes[f"{method}/100_objects"]
        verdict(f"supervision / Osprey's {method}, by box", supervision_ms / supervision["boxes"] / ours, 3)

    print("\nNMM of many boxes of one class, IOS 0.5, CPU time")
    peer = parts("sahi_nmm")
    name = "nmm/33000_boxes"
    ours = times[name] / 1000 / boxes[name]
    print(f"Osprey {1000 * ours * boxes[name]:.1f} ms for {boxes[name]:.0f} boxes; SAHI {peer['objects']:.2f} s for "
          f"{peer['boxes']}, of which finding the groups {peer['groups']:.2f} s; groups of {peer['crowded boxes']} "
          f"crowded ones {peer['crowded groups']:.2f} s")
    verdict(f"SAHI's published {PUBLISHED_NMM} s / Osprey", PUBLISHED_NMM / (1000 * ours * 33.337), 500)
    for what, key in ("SAHI here / Osprey, by box", "objects"), ("SAHI's groups alone / Osprey, by box", "groups"):
        print(f"{what:66} {peer[key] / peer['boxes'] / ours:9.3f}")

    print("\nten times the boxes, CPU time")
    for method in METHODS:
        few, many = f"{method}/33000_boxes", f"{method}/330000_boxes"
        ratio = times[many] / times[few] * 10 / (boxes[many] / boxes[few])
        verdict(f"{method}: {times[few]:.1f} ms for {boxes[few]:.0f}, {times[many]:.0f} ms for {boxes[many]:.0f}, x 10",
                ratio, MOST_FOR_TEN_TIMES, at_most=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=SHARED / "models/yolov8n.onnx")
    parser.add_argument("--osprey", type=Path, default=ROOT / "build/osprey")
    parser.add_argument("--tiling-bench", type=Path, default=ROOT / "build/src/tiling/tiling_bench")
    parser.add_argument("--scenes", type=Path, nargs="*", help="default: a 1920x1080 and a 3840x2160 one of the shared")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiles", type=int, default=96, help="at least so many in each run")
    parser.add_argument("--seconds", type=int, default=10, help="for each run of benchmark_app")
    parser.add_argument("--precision", choices=["f32", "auto"], default="f32")
    parser.add_argument("--only", choices=["scenes", "merging"])
    options = parser.parse_args()
    scenes = options.scenes or [SHARED / "data/scenes" / name for name in ("hd_00.jpg", "uhd_00.jpg")]

    if os.getloadavg()[0] > 0.5:
        print(f"other work is running here (load {os.getloadavg()[0]:.1f}): what follows is not to be relied on")
    if options.only != "merging":
        absent = [p for p in (options.model, *scenes) if not p.is_file()]
        if absent:
            print(f"skip  {absent[0]} is not there: frames are not timed")
        else:
            for scene in scenes:
                with tempfile.TemporaryDirectory() as folder:
                    measure_scene(options, Path(folder), scene)
    if options.only != "scenes":
        if options.tiling_bench.is_file():
            measure_merging(options)
        else:
            print(f"skip  {options.tiling_bench} is not there: merging is not timed")


if __name__ == "__main__":
    main()
