#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command as a user meets it. Run by ctest, which says where the programs are."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

OSPREY = os.environ["OSPREY"]
SOURCE = Path(os.environ["OSPREY_SOURCE"])
FRAMES = 300

sys.path.insert(0, str(SOURCE / "tests/support"))
from peers import free_port  # noqa: E402


class CommandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data_folder = tempfile.TemporaryDirectory()
        cls.data = Path(cls.data_folder.name)
        subprocess.run([os.environ["MAKE_TEST_DATA"], cls.data], check=True)
        cls.model, cls.video = cls.data / "spots.onnx", cls.data / "video.mp4"

    @classmethod
    def tearDownClass(cls):
        cls.data_folder.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)

    def osprey(self, *arguments, **more):
        return subprocess.run([OSPREY, *map(str, arguments)], capture_output=True, text=True, cwd=self.out,
                              timeout=600, **more)

    def detect(self, *arguments, **more):
        done = self.osprey("detect", *arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def left_behind(self):
        return sorted(str(p.relative_to(self.out)) for p in self.out.rglob("*"))

    def lines(self, name):
        return [json.loads(line) for line in (self.out / name).read_text().splitlines()]

    def assert_plays(self, names):
        """Videos, all in one process: starting it takes longer than playing them."""
        if not names:
            return
        inputs = [part for name in names for part in ("-i", self.out / name)]
        maps = [part for number in range(len(names)) for part in ("-map", str(number))]
        played = subprocess.run(["ffmpeg", "-v", "error", *inputs, *maps, "-f", "null", "-"], capture_output=True,
                                text=True)
        self.assertEqual((played.returncode, played.stderr), (0, ""), names)

    def assert_complete(self, name):
        """A file under its final name is whole: it parses, or plays to its end."""
        path = self.out / name
        if path.suffix == ".mp4":
            self.assert_plays([name])
        elif path.suffix == ".jsonl":
            self.assertTrue(path.read_text() == "" or path.read_text().endswith("\n"))
            self.lines(name)
        elif path.suffix == ".json":
            json.loads(path.read_text())


class GoodRuns(CommandTest):
    def test_every_kind_of_result_at_once_and_they_agree(self):
        done = self.detect(self.video, "--model", self.model, "--json", "o.jsonl", "--coco", "o.json", "--save-txt",
                           "--save-conf", "--save", "--output", "made")
        frames = self.lines("o.jsonl")
        self.assertEqual([f["sequence"] for f in frames], list(range(FRAMES)))
        self.assertEqual([f["timestamp"] for f in frames[:3]], [0, 40_000_000, 80_000_000])
        self.assertTrue(all(sorted(o["detection"]["label"] for o in f["objects"]) == ["blue", "red"] for f in frames))
        red = [next(o for o in f["objects"] if o["detection"]["label"] == "red")["bounding_box"]["x_min"] for f in frames]
        for number, x in enumerate(red):
            self.assertAlmostEqual(x, 8 + number % 40, delta=1.5)
        results = json.loads((self.out / "o.json").read_text())
        self.assertEqual(len(results), 2 * FRAMES)
        self.assertEqual({r["category_id"] for r in results}, {1, 3})
        labels = sorted((self.out / "made/labels").iterdir())
        self.assertEqual(len(labels), FRAMES)
        self.assertEqual(sum(len(p.read_text().splitlines()) for p in labels), 2 * FRAMES)
        self.assert_complete("made/video.mp4")
        probe = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries",
                                "stream=nb_read_frames,width,height", "-of", "json", self.out / "made/video.mp4"],
                               capture_output=True, text=True, check=True)
        stream = json.loads(probe.stdout)["streams"][0]
        self.assertEqual((stream["width"], stream["height"], int(stream["nb_read_frames"])), (128, 128, FRAMES))
        self.assertIn(f"frames    {FRAMES} in", done.stderr)
        self.assertIn("bound by", done.stderr)
        self.assertNotIn("dropped", done.stderr)

    def test_objects_keep_their_numbers(self):
        done = self.detect(self.video, "--model", self.model, "--track", "--json", "o.jsonl", "--save-mot", "mot", "--save-txt",
                           "--output", "made")
        frames = self.lines("o.jsonl")
        ids = {"red": [], "blue": []}
        for frame in frames:
            for found in frame["objects"]:
                ids[found["detection"]["label"]].append(found["id"])
        self.assertEqual(len(set(ids["blue"])), 1, "it stands")
        self.assertEqual(len(ids["blue"]), FRAMES)
        # The red one jumps back every 40 frames, and what is new has its number from its second frame on.
        self.assertEqual(len(set(ids["red"])), 8)
        self.assertEqual(ids["red"], sorted(ids["red"]))
        self.assertEqual(len(ids["red"]), FRAMES - 7)
        self.assertIn("followed  9: 8 red, 1 blue", done.stderr)
        rows = [line.split(",") for line in (self.out / "mot/video.txt").read_text().splitlines()]
        self.assertEqual([(int(r[0]) - 1, int(r[1])) for r in rows],
                         [(f["sequence"], o["id"]) for f in frames for o in f["objects"]])
        self.assertEqual([line.split()[-1] for line in (self.out / "made/labels/video_1.txt").read_text().splitlines()],
                         [str(o["id"]) for o in frames[0]["objects"]])
        again = self.osprey("eval", "--mot", "mot", "--tracks", "mot/video.txt", "--json", "-")
        self.assertEqual(again.returncode, 0, again.stderr)
        scores = json.loads(again.stdout)["all"]
        self.assertAlmostEqual(scores["hota"], 1)
        self.assertEqual((scores["tracks"], scores["id_switches"], scores["correct"]), (9, 0, len(rows)))
        self.assertIn("1.000", self.osprey("eval", "--mot", "mot", "--tracks", "mot").stdout)

    def test_results_do_not_depend_on_the_number_of_lanes(self):
        for lanes in (1, 2, 8):
            self.detect(self.video, "--model", self.model, "--json", f"{lanes}.jsonl", "--lanes", lanes)
        one = (self.out / "1.jsonl").read_bytes()
        self.assertEqual(one.count(b"\n"), FRAMES)
        self.assertEqual(one, (self.out / "2.jsonl").read_bytes())
        self.assertEqual(one, (self.out / "8.jsonl").read_bytes())

    def test_standard_input_and_standard_output(self):
        with open(self.video, "rb") as video:
            done = self.detect("-", "--model", self.model, "--json", "-", "--quiet", stdin=video)
        self.assertEqual(len(done.stdout.splitlines()), FRAMES)
        self.assertEqual(done.stderr, "")

    def test_folders_and_globs_go_in_natural_order_and_pass_other_files_over(self):
        shutil.copytree(self.data / "pictures", self.out / "in")
        (self.out / "in/notes.txt").write_text("not a picture")
        done = self.detect("in", "--model", self.model, "--json", "o.jsonl")
        self.assertEqual([Path(f["path"]).name for f in self.lines("o.jsonl")], ["img1.png", "img2.png", "img10.png"])
        self.assertIn("1 files that are no pictures", done.stderr)
        self.detect("in/*.png", "--model", self.model, "--json", "g.jsonl")
        self.assertEqual(len(self.lines("g.jsonl")), 3)

    def test_several_sources_keep_their_own_order(self):
        self.detect(self.video, self.data / "pictures", self.video, "--model", self.model, "--json", "o.jsonl")
        frames = self.lines("o.jsonl")
        for stream, count in ((0, FRAMES), (1, 3), (2, FRAMES)):
            self.assertEqual([f["sequence"] for f in frames if f["stream"] == stream], list(range(count)))

    def test_tiles_find_what_is_too_small_in_the_whole_frame_and_report_it_once(self):
        large = [self.data / "large.png", "--model", self.model, "--conf", "0.5"]
        self.detect(*large, "--json", "whole.jsonl")
        self.assertEqual(self.lines("whole.jsonl")[0]["objects"], [])
        tiles = ["--tiles", "128", "--overlap", "0.25", "--with-frame"]
        for lanes in (1, 2, 8):
            self.detect(*large, *tiles, "--lanes", lanes, "--json", f"{lanes}.jsonl")
        self.assertEqual((self.out / "1.jsonl").read_bytes(), (self.out / "2.jsonl").read_bytes())
        self.assertEqual((self.out / "1.jsonl").read_bytes(), (self.out / "8.jsonl").read_bytes())
        found = sorted((round(o["bounding_box"]["x_min"]), round(o["bounding_box"]["y_min"]), o["w"],
                        o["detection"]["label"]) for o in self.lines("1.jsonl")[0]["objects"])
        self.assertEqual(found, [(70, 50, 16, "red"), (120, 300, 16, "green"), (376, 504, 20, "red"),
                                 (600, 640, 16, "blue")])
        done = self.detect(*large, *tiles, "--roi", "0,0 200,0 200,400 0,400", "--json", "roi.jsonl", "--save",
                           "--draw-tiles", "--output", "made")
        self.assertEqual(sorted(o["detection"]["label"] for o in self.lines("roi.jsonl")[0]["objects"]),
                         ["green", "red"])
        self.assertIn("tiles     ", done.stderr)
        self.assertTrue((self.out / "made/large.png").exists())

    def test_several_models_side_by_side_and_one_on_the_boxes_of_another(self):
        second = shutil.copy(self.model, self.out / "second.onnx")
        both = ["--model", self.model, "--model", second, "--conf", "0.5"]
        for lanes in (1, 2, 8):
            done = self.detect(self.video, *both, "--lanes", lanes, "--json", f"{lanes}.jsonl")
        self.assertEqual((self.out / "1.jsonl").read_bytes(), (self.out / "2.jsonl").read_bytes())
        self.assertEqual((self.out / "1.jsonl").read_bytes(), (self.out / "8.jsonl").read_bytes())
        for frame in self.lines("1.jsonl"):
            self.assertEqual(sorted(o["detection"]["label"] for o in frame["objects"]), ["blue", "red"])
            self.assertEqual({o["detection"]["model"]["name"] for o in frame["objects"]}, {"spots"})
        self.assertIn(f"model     second: {FRAMES} inferences, 1.0 a frame", done.stderr)

        (self.out / "plan.yaml").write_text(
            f"conf: 0.5\nmodels:\n- model: {self.model}\n  name: scene\n  classes: [red]\n  map: {{red: car}}\n"
            f"- model: {second}\n  after: scene\n  on: car\n  margin: 4\n  classes: blue\n  batch: 2\n"
            "- {model: gone.onnx, optional: true}\n")
        done = self.detect(self.video, "--config", "plan.yaml", "--json", "plan.jsonl", "--save", "--draw-tiles",
                           "--output", "made")
        for frame in self.lines("plan.jsonl"):
            car, *others = frame["objects"]
            self.assertEqual((car["detection"]["label"], car["detection"]["model"]["name"]), ("car", "scene"))
            for other in others:
                self.assertEqual((other["detection"]["label"], other["parent_id"]), ("blue", car["region_id"]))
        self.assertTrue(any(len(frame["objects"]) == 2 for frame in self.lines("plan.jsonl")))
        self.assertIn("left out  model 'gone'", done.stderr)
        self.assert_complete("made/video.mp4")

    def test_batches_change_no_result_and_auto_says_what_it_found(self):
        self.detect(self.video, "--model", self.model, "--json", "1.jsonl")
        self.detect(self.video, "--model", self.model, "--batch", "4", "--json", "4.jsonl")
        alone, batched = self.lines("1.jsonl"), self.lines("4.jsonl")
        self.assertEqual(len(batched), FRAMES)
        for one, other in zip(alone, batched):
            self.assertEqual([(o["x"], o["w"], o["detection"]["label"]) for o in one["objects"]],
                             [(o["x"], o["w"], o["detection"]["label"]) for o in other["objects"]])
        done = self.detect(self.data / "pictures", "--model", self.model, "--batch", "auto")
        self.assertRegex(done.stderr, r"batch     \d, as measured: 1: .* a second in .* ms; 2: .*; 8: ")

    def test_a_settings_file_counts_and_flags_win_over_it(self):
        (self.out / "s.yaml").write_text(f"source: {self.video}\nmodel: {self.model}\nclasses: [red, blue]\nvid_stride: 10\n")
        self.detect("--config", "s.yaml", "--json", "all.jsonl")
        self.assertEqual(len(self.lines("all.jsonl")), FRAMES / 10)
        self.detect("--config", "s.yaml", "--classes", "blue", "--json", "blue.jsonl")
        self.assertEqual({o["detection"]["label"] for f in self.lines("blue.jsonl") for o in f["objects"]}, {"blue"})

    def test_info_says_what_the_model_is(self):
        done = self.osprey("info", self.model)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("ONNX, FP32", "channels-first", "red, green, blue", "128x128"):
            self.assertIn(word, done.stdout)

    def test_every_model_format_finds_the_squares_under_their_names(self):
        # The TFLite network knows only squares on whole cells of 8 pixels.
        for model, conf, says, delta in (("ir/spots.xml", 0.5, "OpenVINO IR, FP32", 0.2),
                                         ("tflite/squares.tflite", 0.75, "TFLite, FP32", 4)):
            info = self.osprey("info", self.data / model)
            self.assertEqual((info.returncode, info.stderr), (0, ""))
            for word in (says, "red, green, blue", "128x128"):
                self.assertIn(word, info.stdout)
            self.detect(self.data / "pictures", "--model", self.data / model, "--conf", conf, "--json", "o.jsonl")
            for frame, x in zip(self.lines("o.jsonl"), (9, 10, 18), strict=True):
                found = {o["detection"]["label"]: o["bounding_box"] for o in frame["objects"]}
                self.assertEqual((len(frame["objects"]), sorted(found)), (2, ["blue", "red"]))
                self.assertAlmostEqual(found["blue"]["x_min"], 80, delta=0.2)
                self.assertAlmostEqual(found["red"]["x_min"], x, delta=delta)

    def test_bench_prints_a_line_for_each_number_of_lanes(self):
        done = self.osprey("bench", self.model, "--lanes", 2, "--seconds", "0.2")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split()[0] for line in done.stdout.splitlines() if line[:5].strip().isdigit()]
        self.assertEqual(rows, ["1", "2"])

    def test_the_options_page_is_that_of_the_documentation(self):
        self.assertEqual(self.osprey("options").stdout, (SOURCE / "docs/options.md").read_text())


class Evaluations(CommandTest):
    """How good a model is, on pictures whose labels are known."""

    def setUp(self):
        super().setUp()
        images, annotations = [], []
        for number in (1, 2, 10):
            images.append({"id": number, "file_name": f"img{number}.png", "width": 128, "height": 128})
            for kind, x, y in ((1, 8 + number, 16), (3, 80, 88)):
                annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": kind,
                                    "bbox": [x, y, 24, 24], "area": 576, "iscrowd": 0})
        categories = [{"id": i + 1, "name": name} for i, name in enumerate(("red", "green", "blue"))]
        self.labels = {"images": images, "annotations": annotations, "categories": categories}
        (self.out / "labels.json").write_text(json.dumps(self.labels))

    def eval(self, *arguments, code=0):
        done = self.osprey("eval", "--data", "labels.json", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_a_model_that_finds_everything(self):
        done = self.eval("--model", self.model, "--images", self.data / "pictures", "--coco", "dt.json",
                         "--json", "e.json")
        self.assertIn("6 labels, 6 correct (100 %), 0 wrong (0 %), 0 missed (0 %)", done.stdout)
        self.assertIn("pictures a second", done.stdout)
        self.assertIn("frames    3 in", done.stderr)
        result = json.loads((self.out / "e.json").read_text())
        self.assertAlmostEqual(result["ap_at_iou"]["map50"], 1)
        self.assertGreater(result["speed"]["fps"], 0)
        again = self.eval("--detections", "dt.json", "--json", "-")
        self.assertEqual(json.loads(again.stdout)["coco"], result["coco"])

    def test_yolo_text_gives_the_same_as_coco(self):
        shutil.copytree(self.data / "pictures", self.out / "set/images/val")
        (self.out / "set/labels/val").mkdir(parents=True)
        for a in self.labels["annotations"]:
            x, y, w, h = (v / 128 for v in a["bbox"])
            with open(self.out / f"set/labels/val/img{a['image_id']}.txt", "a") as file:
                file.write(f"{a['category_id'] - 1} {x + w / 2} {y + h / 2} {w} {h}\n")
        (self.out / "set/data.yaml").write_text("val: images/val\nnames: [red, green, blue]\n")
        results = []
        for data, images in (("labels.json", self.data / "pictures"), ("set/data.yaml", "set/images/val")):
            done = self.osprey("eval", "--data", data, "--model", self.model, "--images", images, "--json", "-")
            self.assertEqual(done.returncode, 0, done.stderr)
            results.append(json.loads(done.stdout)["coco"])
        for key, value in results[0].items():
            self.assertAlmostEqual(value, results[1][key], 9, key)

    def test_files_side_by_side(self):
        good = [{"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.9}
                for a in self.labels["annotations"]]
        (self.out / "good.json").write_text(json.dumps(good))
        (self.out / "bad.json").write_text(json.dumps(good[::2]))
        done = self.eval("--compare", "bad.json", "good.json", "--samples", "50")
        self.assertIn("bad.json and good.json: good.json better by 0.500 [0.500, 0.500]", done.stdout)
        done = self.eval("--compare", "good.json", "good.json", "--samples", "50")
        self.assertIn("no difference shown: 0.000 [0.000, 0.000]", done.stdout)
        done = self.eval("--detections", "bad.json", "--rule", "l2", "--only-coco")
        self.assertIn("AP        0.500", done.stdout)

    def test_a_browser_shows_the_report(self):
        browser = shutil.which("chromium")
        if not browser:
            self.skipTest("no chromium: tools/bootstrap installs it")
        self.eval("--model", self.model, "--images", self.data / "pictures", "--html", "report.html")
        shown = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
                                "--enable-logging=stderr", "--dump-dom", f"file://{self.out}/report.html"],
                               capture_output=True, text=True, timeout=120, env=os.environ | {"HOME": str(self.out)})
        self.assertNotRegex(shown.stderr, "CONSOLE.*Error")
        self.assertIn("labels.json: 3 pictures, 6 labels.", shown.stdout)
        self.assertIn("6 / 6", shown.stdout)
        self.assertIn("Nothing was wrong or missed.", shown.stdout)
        self.assertGreater(shown.stdout.count("<path "), 3)

    def test_what_is_wrong_is_named(self):
        self.assertIn("expected --model with --images", self.eval(code=2).stderr)
        self.assertIn("--model: expected --images DIR", self.eval("--model", self.model, code=2).stderr)
        (self.out / "empty").mkdir()
        done = self.eval("--model", self.model, "--images", "empty", "--coco", "dt.json", code=2)
        self.assertIn("3 of 3 pictures of labels.json are not in empty", done.stderr)
        for arguments, says in ((["--mot", "gt.txt"], "--mot: needs --tracks"), (["--tracks", "t.txt"], "--tracks: needs --mot"),
                                (["--mot", "gt.txt", "--tracks", "t.txt", "--html", "r.html"], "--mot: expected --tracks and"),
                                (["--mot", "gt.txt", "--tracks", "t.txt"], "gt.txt"), ([], "--data: expected")):
            done = self.osprey("eval", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)
        self.assertIn("--coco: needs --model", self.eval("--detections", "dt.json", "--coco", "c.json", code=2).stderr)
        self.assertIn("--rule-limit: expected above 0",
                      self.eval("--detections", "dt.json", "--rule-limit", "-3", code=2).stderr)
        self.assertIn("--html: not with --only-coco",
                      self.eval("--detections", "dt.json", "--only-coco", "--html", "r.html", code=2).stderr)
        self.assertIn("no-permission", self.eval("--detections", "dt.json", "--html", "/proc/no-permission/r.html", code=2).stderr)
        labels = (self.out / "labels.json").read_bytes()
        for flag in ("--json", "--html"):
            self.assertIn(f"{flag}: labels.json would be overwritten, and is read by this run",
                          self.eval("--detections", "dt.json", flag, "labels.json", code=2).stderr)
        self.assertIn("--json and --html: both would write o",
                      self.eval("--detections", "dt.json", "--json", "o", "--html", "./o", code=2).stderr.replace("./o", "o"))
        self.assertEqual((self.out / "labels.json").read_bytes(), labels)
        (self.out / "dt.json").write_text('[{"image_id": 77, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]')
        self.assertIn("dt.json: detection 0: image_id: 77 is no picture of labels.json",
                      self.eval("--detections", "dt.json", "--html", "r.html", code=2).stderr)
        self.assertFalse((self.out / "r.html").exists())


class Quantising(CommandTest):
    """A network of floats becomes one of INT8 that finds the same."""

    def quantize(self, *arguments, code=0):
        done = self.osprey("quantize", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_weights_may_be_rounded_by_error(self):
        self.quantize(self.model, "--data", self.data / "pictures", "--rounding", "error", "-o", "e.onnx", "--json", "e.json")
        report = json.loads((self.out / "e.json").read_text())
        self.assertEqual(report["rounding"], "error")
        for part in report["agreement"]:
            self.assertGreater(part["cosine"], 0.97, part["output"])

    def test_int8_finds_the_same(self):
        pictures = self.data / "pictures"
        for algorithm in ("normal", "mmse", "percentile"):
            done = self.quantize(self.model, "--data", pictures, "--algorithm", algorithm, "-o", "i.onnx",
                                 "--json", "q.json")
            self.assertIn("pictures  3 of", done.stderr)
            self.assertIn("wrote     i.onnx", done.stderr)
            self.assertNotIn("warning", done.stderr)
            report = json.loads((self.out / "q.json").read_text())
            self.assertEqual((report["algorithm"], report["method"], report["pictures"]), (algorithm, "channel", 3))
            for part in report["agreement"]:
                self.assertGreater(part["cosine"], 0.98)
            self.assertIn("INT8", self.osprey("info", "i.onnx").stdout)
            found = self.osprey("detect", pictures, "--model", "i.onnx", "--conf", "0.4", "--json", "-")
            for line in found.stdout.splitlines():
                self.assertEqual(len(json.loads(line)["objects"]), 2, algorithm)

    def test_a_network_that_int8_ruins_is_reported(self):
        # Boxes and scores come from one layer here: with one scale for its weights, the scores' are all 0.
        done = self.quantize(self.model, "--data", self.data / "pictures", "--method", "layer", "-o", "i.onnx")
        self.assertRegex(done.stderr, "warning   output0 scores of i.onnx is not what the floats give on this machine")

    def test_calibrates_with_a_video_too(self):
        done = self.quantize(self.model, "--data", self.video, "--pictures", "5", "-o", "i.onnx")
        self.assertIn("pictures  5 of", done.stderr)

    def test_what_is_wrong_is_named(self):
        def refused(*arguments, says):
            self.assertIn(says, self.quantize(*arguments, code=2).stderr)
            self.assertEqual(self.left_behind(), kept)

        (self.out / "empty").mkdir()
        (self.out / "bad").mkdir()
        (self.out / "bad/a.png").write_text("no picture")
        shutil.copy(self.model, self.out / "m.onnx")
        kept = self.left_behind()
        pictures = self.data / "pictures"
        refused("absent.onnx", "--data", pictures, "-o", "i.onnx", says="absent.onnx")
        refused("m.onnx", "--data", "absent", "-o", "i.onnx", says="absent")
        refused("m.onnx", "--data", "empty", "-o", "i.onnx", says="empty")
        refused("m.onnx", "--data", "bad", "-o", "i.onnx", says="bad")
        refused("m.onnx", "--data", pictures, "-o", "m.onnx", says="--output: m.onnx would be overwritten")
        refused("m.onnx", "--data", pictures, "-o", "i.onnx", "--json", "i.onnx",
                says="--output and --json: both would write i.onnx")
        refused("m.onnx", "--data", pictures, "-o", "i.onnx", "--algorithm", "best", says="--algorithm")
        refused("m.onnx", "--data", pictures, "-o", "i.onnx", "--float-layers", "nope", says="has no layer nope")
        refused("m.onnx", "--data", pictures, "-o", "nowhere/i.onnx", says="nowhere/i.onnx")
        refused("m.onnx", "-o", "i.onnx", says="--data: expected pictures")
        refused("m.onnx", "--data", pictures, says="--output: expected the ONNX file")
        refused("m.onnx", "--data", pictures, "-o", "i.onnx", "--max-drop", "0.01", says="expected --labels and --images")
        refused("m.onnx", "--data", pictures, "-o", "i.onnx", "--labels", "l.json", says="need --max-drop")
        refused("m.onnx", "--data", pictures, "-o", "/dev/full", says="/dev/full: No space left")
        self.quantize("m.onnx", "--data", pictures, "-o", "/dev/null")
        self.quantize("m.onnx", "--data", pictures, "-o", "i.onnx")
        self.assertIn("i.onnx: is quantised already", self.quantize("i.onnx", "--data", pictures, "-o", "j.onnx", code=2).stderr)

    def test_report_page_lint_and_verify(self):
        pictures = self.data / "pictures"
        self.quantize(self.model, "--data", pictures, "-o", "i.onnx", "--html", "q.html", "--json", "q.json")
        report = json.loads((self.out / "q.json").read_text())
        self.assertTrue(all("accumulated" in t or t["name"] == "images" for t in report["tensors"]))
        page = (self.out / "q.html").read_text()
        shown = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                                (self.out / "q.html").as_uri()], capture_output=True, text=True).stdout if shutil.which(
                                    "chromium") else page
        self.assertIn(report["tensors"][1]["name"], shown)
        self.assertIn("lint      nothing stands out", self.quantize(self.model, "--lint").stderr)
        verified = self.osprey("info", "--verify", "i.onnx", "--data", pictures)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertRegex(verified.stdout, "verify      output0 scores: cosine (1.0|0.9)")
        self.assertIn("rounds no tensor", self.osprey("info", "--verify", self.model).stderr)

    def test_fusions_and_what_stands_in_their_way(self):
        self.assertIn("fusion      ", self.osprey("info", "--fusion", self.model).stdout)
        done = self.osprey("optimize", self.model, "-o", "o.onnx")
        self.assertEqual((done.returncode, self.left_behind()), (0, []), done.stderr)
        self.assertIn("no file is written", done.stderr)

    def test_rknn_toolkit_is_asked_for_where_it_is_absent(self):
        done = self.osprey("export-rknn", self.model, "-o", "m.rknn", "--toolkit", "nowhere")
        self.assertEqual((done.returncode, self.left_behind()), (2, []))
        self.assertIn("nowhere; osprey export-rknn --install puts it there (5.6 GB, from PyPI)", done.stderr)
        self.assertIn("expected osprey export-rknn MODEL", self.osprey("export-rknn").stderr)

    def test_damaged_pictures_are_passed_over_and_counted(self):
        shutil.copytree(self.data / "pictures", self.out / "in")
        (self.out / "in/zz.png").write_text("no picture")
        done = self.quantize(self.model, "--data", "in", "-o", "i.onnx")
        self.assertIn("pictures  3 of in", done.stderr)
        self.assertRegex(done.stderr, "warning   1 files of in were left out")


class VirtualBoard(CommandTest):
    """An RK3588 that anyone has: the same command, the real runtime's interface, cores that take their time."""

    def setUp(self):
        super().setUp()
        self.board = ["--rknn-library", os.environ["VIRTUAL_RKNNRT"]]
        done = self.osprey("sim-model", self.model, "-o", "spots.rknn", "--core-ms", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2.0 ms an inference, as told", done.stderr)

    def test_finds_what_the_processor_finds_on_any_cores(self):
        self.detect(self.video, "--model", self.model, "--json", "cpu.jsonl")
        for cores in ("0,1,2", "0", "0_1_2", "auto,auto", "0_1,2"):
            done = self.detect(self.video, "--model", "spots.rknn", *self.board, "--cores", cores, "--json", "npu.jsonl")
            self.assertEqual((self.out / "npu.jsonl").read_bytes(), (self.out / "cpu.jsonl").read_bytes(), cores)
        self.assertIn("Rockchip NPU", done.stderr)

    def test_works_beside_the_processor_and_on_boxes(self):
        (self.out / "plan.yaml").write_text(
            f"conf: 0.5\nmodels:\n- {{model: spots.rknn, name: npu, classes: red}}\n"
            f"- {{model: {self.model}, name: cpu, after: npu, margin: 4, classes: blue}}\n")
        self.detect(self.video, "--config", "plan.yaml", *self.board, "--json", "o.jsonl")
        frames = self.lines("o.jsonl")
        self.assertEqual(len(frames), FRAMES)
        self.assertTrue(all(f["objects"][0]["detection"]["model"]["name"] == "npu" for f in frames))
        self.assertTrue(any(f["objects"][-1]["detection"]["model"]["name"] == "cpu" for f in frames))

    def test_a_core_that_hangs_costs_its_time_out_and_no_frame(self):
        self.detect(self.video, "--model", self.model, "--json", "cpu.jsonl")
        faults = os.environ | {"OSPREY_SIM_FAULTS": "hang core=1 from=30 to=30; fail every=40"}
        done = self.detect(self.video, "--model", "spots.rknn", *self.board, "--run-timeout", "2000", "--json",
                           "npu.jsonl", env=faults)
        self.assertEqual((self.out / "npu.jsonl").read_bytes(), (self.out / "cpu.jsonl").read_bytes())
        self.assertIn("no answer for 2 s", done.stderr)

    def test_a_board_that_answers_no_more_ends_the_run(self):
        faults = os.environ | {"OSPREY_SIM_FAULTS": "fail from=100"}
        done = self.osprey("detect", self.video, "--model", "spots.rknn", *self.board, "--cores", "0", "--json", "o.jsonl",
                           env=faults)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("asked to run, failed", done.stderr)
        order = [f["sequence"] for f in self.lines("o.jsonl")]
        self.assertEqual(order, list(range(len(order))))
        self.assertGreaterEqual(len(order), 99)

    def test_copied_and_shared_memory_and_several_pictures_a_run_give_the_same(self):
        self.detect(self.video, "--model", self.model, "--json", "cpu.jsonl")
        done = self.osprey("sim-model", self.model, "-o", "three.rknn", "--core-ms", "1", "--rknn-batch-size", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        for model, *flags in (("spots.rknn", "--npu-io", "plain"), ("three.rknn",), ("three.rknn", "--npu-io", "plain")):
            self.detect(self.video, "--model", model, *self.board, *flags, "--json", "npu.jsonl")
            self.assertEqual((self.out / "npu.jsonl").read_bytes(), (self.out / "cpu.jsonl").read_bytes(), model)
        done = self.osprey("detect", self.video, "--model", "three.rknn", *self.board, "--cores", "0,1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("expected --cores auto or 0_1_2", done.stderr)

    def test_a_place_of_a_batch_that_answers_wrong_is_told(self):
        self.osprey("sim-model", self.model, "-o", "three.rknn", "--core-ms", "2", "--rknn-batch-size", "3")
        bench = ["bench", "three.rknn", *self.board, "--cores", "auto", "--seconds", "0.2"]
        self.assertNotIn("place", self.osprey(*bench).stdout)
        done = self.osprey(*bench, env=os.environ | {"OSPREY_SIM_FAULTS": "wrong item=2"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("place 2 (from 0) answers otherwise than place 0", done.stdout)

    def test_layouts_and_models_in_one_table(self):
        self.osprey("sim-model", self.model, "-o", "three.rknn", "--core-ms", "2", "--rknn-batch-size", "3")
        done = self.osprey("bench", "spots.rknn", "three.rknn", *self.board, "--seconds", "0.2",
                           env=os.environ | {"OSPREY_SIM_ANSWERS": "none"})
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("spots", "three"))]
        self.assertEqual([r[2] for r in rows if r[0] == "spots.rknn"],
                         ["0", "0,1", "0,1,2", "0_1", "0_1_2", "auto", "auto,auto,auto"])
        self.assertEqual([r[2] for r in rows if r[0] == "three.rknn"], ["0_1", "0_1_2", "auto", "auto,auto,auto"])
        self.assertIn("fastest: ", done.stdout)

    def test_outputs_are_int8_if_pictures_are_given(self):
        done = self.osprey("sim-model", self.model, "-o", "int8.rknn", "--dataset", self.video)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(self.osprey("info", "int8.rknn", *self.board).stdout, r"(?m)^output .* i8$")
        done = self.osprey("sim-model", self.model, "-o", "not.rknn", "--dataset", "nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nowhere", done.stderr)
        self.assertFalse((self.out / "not.rknn").exists())

    def test_info_and_costs(self):
        done = self.osprey("info", "spots.rknn", *self.board)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("RKNN, INT8", done.stdout)
        shutil.copy(self.model, self.out / "yolov8n.onnx")
        done = self.osprey("sim-model", "yolov8n.onnx", "-o", "other.rknn")
        self.assertIn("estimated", done.stderr)  # the published figure is for 640x640

    def test_what_is_wrong_is_named(self):
        def refused(*arguments, says):
            done = self.osprey(*arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            for text in says:
                self.assertIn(text, done.stderr)

        refused("detect", self.video, "--model", "spots.rknn", "--rknn-library", "nowhere.so",
                says=["nowhere.so", "--rknn-library FILE"])
        refused("detect", self.video, "--model", "gone.rknn", *self.board, says=["gone.rknn", "no such model"])
        (self.out / "text.rknn").write_text("hello")
        refused("detect", self.video, "--model", "text.rknn", *self.board, says=["text.rknn", "does not take the model"])
        for cores in ("3", "0-1", "0_2", ""):
            refused("detect", self.video, "--model", "spots.rknn", *self.board, "--cores", cores, says=["--cores"])
        refused("sim-model", self.data / "classifier.onnx", "-o", "c.rknn", says=["classifier.onnx"])
        refused("sim-model", "gone.onnx", "-o", "c.rknn", says=["gone.onnx"])
        self.assertFalse((self.out / "c.rknn").exists())


class Board(CommandTest):
    """What a machine's files tell: here those of a ROCK 5B, in a folder that stands for the root."""

    DEVFREQ = "sys/class/devfreq/"
    FILES = {
        "proc/device-tree/model": "Radxa ROCK 5B\0",
        "proc/device-tree/compatible": "radxa,rock-5b\0rockchip,rk3588\0",
        "proc/sys/kernel/osrelease": "6.1.115-vendor-rk35xx\n",
        "proc/meminfo": "MemTotal:        8127460 kB\n",
        "proc/cpuinfo": "".join(f"processor\t: {core}\nFeatures\t: fp asimd asimdhp asimddp\nCPU part\t: {part}\n\n"
                                for core, part in enumerate(["0xd05"] * 4 + ["0xd0b"] * 4)),
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "sys/kernel/debug/rknpu/version": "RKNPU driver: v0.9.8\n",
        "sys/kernel/debug/rknpu/load": "NPU load:  Core0: 97%, Core1: 96%, Core2: 97%,\n",
        DEVFREQ + "fdab0000.npu/governor": "performance\n",
        DEVFREQ + "fdab0000.npu/available_governors": "rknpu_ondemand userspace powersave performance\n",
        DEVFREQ + "fdab0000.npu/available_frequencies": "300000000 600000000 1000000000\n",
        DEVFREQ + "fdab0000.npu/cur_freq": "1000000000\n",
        DEVFREQ + "fdab0000.npu/max_freq": "1000000000\n",
        "sys/class/thermal/thermal_zone0/type": "soc-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "63769\n",
        "sys/class/thermal/thermal_zone6/type": "npu-thermal\n",
        "sys/class/thermal/thermal_zone6/temp": "61000\n",
        "sys/class/thermal/cooling_device3/type": "devfreq-fdab0000.npu\n",
        "sys/class/thermal/cooling_device3/cur_state": "0\n",
        "dev/dri/renderD129": "",
        "sys/class/drm/renderD129/device/uevent": "DRIVER=RKNPU\n",
    }

    def on_board(self, *arguments, **changes):
        """Runs the command where the files say so; `changes`: of contents, by the end of their paths."""
        root = self.out / "root"
        shutil.rmtree(root, ignore_errors=True)
        for name, text in self.FILES.items():
            for end, other in changes.items():
                text = other if name.endswith("/" + end) else text
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return self.osprey(*arguments, env={**os.environ, "OSPREY_SYSTEM_ROOT": str(root)})

    def test_a_summary_has_the_npus_load_clock_and_temperature(self):
        done = self.on_board("detect", self.video, "--model", self.model)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("npu       load 97 / 96 / 97 %, 1000 MHz, 61 C at most\n", done.stderr)
        self.assertNotIn("warning", done.stderr)

    def test_a_slow_npu_is_warned_of_with_the_way_to_mend_it(self):
        done = self.on_board("detect", self.video, "--model", self.model, cur_freq="600000000\n",
                             governor="rknpu_ondemand\n", cur_state="2\n")
        self.assertIn("warning   the NPU ran at 600 of 1000 MHz: cool it, or set its governor to performance: echo "
                      "performance > /sys/class/devfreq/fdab0000.npu/governor\n", done.stderr)

    def test_machines_without_an_npu_say_nothing_of_one(self):
        (self.out / "empty").mkdir()
        done = self.osprey("detect", self.video, "--model", self.model,
                           env={**os.environ, "OSPREY_SYSTEM_ROOT": str(self.out / "empty")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("npu ", done.stderr)

    def test_the_doctor_finds_nothing_wrong_with_a_good_board(self):
        done = self.on_board("doctor", "--rknn-library", os.environ["VIRTUAL_RKNNRT"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for text in ("ok    board       Radxa ROCK 5B", "4 x Cortex-A55, 4 x Cortex-A76, 8 cores", "a virtual RK3588",
                     "ok    driver      rknpu 0.9.8", "/dev/dri/renderD129", "97 / 96 / 97 %",
                     "ok    NPU         1000 of 1000 MHz, governor performance", "soc 64, npu 61", "decoded by h264",
                     "Nothing is wrong."):
            self.assertIn(text, done.stdout)
        self.assertNotRegex(done.stdout, r"(?m)^  (warn|fail) ")

    def test_the_doctor_says_how_to_mend_what_is_slow(self):
        done = self.on_board("doctor", "--rknn-library", os.environ["VIRTUAL_RKNNRT"], cur_freq="300000000\n",
                             governor="rknpu_ondemand\n", cur_state="1\n", version="RKNPU driver: v0.8.2\n")
        self.assertEqual(done.returncode, 0, done.stdout)
        for text in ("warn  driver      rknpu 0.8.2", "warn  NPU         300 of 1000 MHz, governor rknpu_ondemand",
                     "-> as root: echo performance > /sys/class/devfreq/fdab0000.npu/governor",
                     "warn  throttled   held back for the heat now: devfreq-fdab0000.npu",
                     "Models run; 3 things could be better."):
            self.assertIn(text, done.stdout)

    def test_the_doctor_speaks_json(self):
        done = self.on_board("doctor", "--json", "--rknn-library", os.environ["VIRTUAL_RKNNRT"])
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertIs(told["works"], True)
        found = {(f["section"], f["subject"]): f for f in told["findings"]}
        self.assertEqual(found["NPU", "driver"], {"section": "NPU", "subject": "driver", "mark": "ok",
                                                  "text": "rknpu 0.9.8"})
        self.assertIn("OpenVINO", {f["section"] for f in told["findings"]})

    def test_the_doctor_fails_if_the_named_runtime_cannot_be_used(self):
        (self.out / "text.so").write_text("hello")
        for library, says in (("nowhere.so", "nowhere.so"), ("./text.so", "text.so"), ("libc.so.6", "rknn_init")):
            done = self.on_board("doctor", "--json", "--rknn-library", library)
            self.assertEqual(done.returncode, 2, done.stdout)
            told = json.loads(done.stdout)
            self.assertIs(told["works"], False)
            failed, = (f for f in told["findings"] if f["mark"] == "fail")
            self.assertIn(says, failed["text"])
            self.assertIn("librknnrt.so", failed["mend"])

    def test_the_doctor_knows_this_machine(self):
        done = self.osprey("doctor")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for section in ("System", "Processor", "OpenVINO", "NPU", "FFmpeg", "Limits"):
            self.assertRegex(done.stdout, f"(?m)^{section}$")


class Examples(CommandTest):
    def run_example(self, name, *arguments):
        return subprocess.run([os.environ[f"EXAMPLE_{name.upper()}"], *arguments], capture_output=True, text=True,
                              timeout=60)

    def test_a_picture(self):
        done = self.run_example("detect_picture", self.model, self.data / "pictures/img1.png")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(line.split()[0] for line in done.stdout.splitlines()), ["blue", "red"])
        self.assertIn("at 9,16 to 33,40", done.stdout)

    def test_videos(self):
        done = self.run_example("count_in_video", self.model, self.video, self.data / "pictures")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines(), [f"{self.video}: 1 red", f"{self.video}: 1 blue",
                                                    f"{self.data / 'pictures'}: 1 red",
                                                    f"{self.data / 'pictures'}: 1 blue", f"{FRAMES + 3} frames"])

    def test_a_missing_model_is_named(self):
        done = self.run_example("detect_picture", "nope.onnx", self.data / "pictures/img1.png")
        self.assertEqual((done.returncode, done.stderr), (2, "nope.onnx: no such model file\n"))


class BadInput(CommandTest):
    def assert_refused(self, *arguments, says, **more):
        before = self.left_behind()
        done = self.osprey(*arguments, **more)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in says:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.left_behind(), before)

    def file(self, name, content=b""):
        (self.out / name).write_bytes(content)
        return name

    def test_sources(self):
        model = ["--model", self.model, "--json", "o.jsonl"]
        self.assert_refused("detect", "nope.mp4", *model, says=["nope.mp4", "no such file"])
        self.assert_refused("detect", self.file("empty.mp4"), *model, says=["empty.mp4", "empty"])
        self.assert_refused("detect", self.file("text.mp4", b"hello\n" * 99), *model, says=["text.mp4", "not a video"])
        (self.out / "folder").mkdir()
        self.assert_refused("detect", "folder", *model, says=["folder"])
        self.assert_refused("detect", *model, says=["no source"])

    def test_models(self):
        def refused(model, *says):
            self.assert_refused("detect", self.video, "--model", model, "--json", "o.jsonl", says=says)

        whole = self.model.read_bytes()
        refused("nope.onnx", "nope.onnx", "no such")
        refused(self.file("empty.onnx"), "empty.onnx", "empty")
        refused(self.file("text.onnx", b"hello"), "text.onnx", "not a readable ONNX model")
        refused(self.file("cut.onnx", whole[:len(whole) // 2]), "cut.onnx")
        refused(self.file("model.pt", b"x"), "model.pt", "export")
        refused(self.data / "classifier.onnx", "classifier.onnx", "1000")
        refused(self.data / "two_names.onnx", "two_names.onnx", "2", "3")
        self.assert_refused("detect", self.video, says=["--model"])

    def test_options(self):
        def refused(*flags, says):
            self.assert_refused("detect", self.video, "--model", self.model, "--json", "o.jsonl", *flags, says=says)

        refused("--save-text", says=["--save-text", "did you mean --save-txt"])
        refused("--conf", "2", says=["--conf", "from 0 to 1"])
        refused("--conf", "nan", says=["--conf", "from 0 to 1"])
        refused("--lanes", "-1", says=["--lanes", "from 0 to 64"])
        refused("--classes", "rd", says=["rd", "did you mean red"])
        refused("--names", "nope.txt", says=["nope.txt", "no such"])
        refused("--names", self.file("one.txt", b"one\n"), says=["1", "3"])
        refused("--config", self.file("bad.yaml", b"model: m.onnx\nconfi: 0.3\n"), says=["bad.yaml:2", "did you mean conf"])
        refused("--save-conf", says=["--save-conf", "--save-txt"])
        refused("--save-mot", "mot", says=["--save-mot", "--track"])
        refused("--track-buffer", "50", says=["--track-buffer", "--track"])
        refused("--track", "--coco", "o.json", says=["--coco", "--track"])
        refused("--tiles", "0x3", says=["--tiles", "rows and columns"])
        refused("--overlap", "0.2", says=["--overlap", "--tiles"])
        refused("--roi", "0,0 9,9", says=["--roi", "polygons"])
        refused("--roi", "900,900 999,900 999,999", says=["roi", "pixels of the frame"])
        refused("--conf", says=["--conf", "osprey --help"])
        refused("--conf", "0.2", "--conf", "0.3", says=["--conf"])
        refused("--batch", "0", says=["--batch", "auto or a whole number from 1 to 64"])
        refused("--max-latency", "50", says=["--max-latency", "--batch auto"])
        refused("--fuse", "mean", says=["--fuse", "nms,wbf,none"])
        refused("--after", "x", says=["--after"])
        refused("--model", "gone.onnx", says=["model 'gone'", "no such model file"])
        plan = self.file("plan.yaml", f"models:\n- model: {self.model}\n- model: a.onnx\n  after: b\n".encode())
        self.assert_refused("detect", self.video, "--config", plan, says=["model 'a'", "no model 'b'"])
        self.assert_refused("frobnicate", says=["frobnicate"])
        self.assert_refused(says=["osprey --help"])

    def test_no_result_takes_the_place_of_what_is_read_or_of_another(self):
        video, model = (shutil.copy(path, self.out) for path in (self.video, self.model))
        (self.out / "link.mp4").symlink_to(video)
        whole = Path(video).read_bytes(), Path(model).read_bytes()
        for flags in (["--json", "video.mp4"], ["--coco", "./video.mp4"], ["--json", "link.mp4"],
                      ["--coco", "spots.onnx"]):
            self.assert_refused("detect", video, "--model", model, *flags, says=[*flags, "overwritten"])
        self.assert_refused("detect", video, "--model", model, "--json", "o.json", "--coco", "./o.json",
                            says=["--json and --coco", "o.json"])
        self.assertEqual((Path(video).read_bytes(), Path(model).read_bytes()), whole)

    def test_places_that_cannot_be_written(self):
        self.file("file", b"x")
        for flags in (["--json", "file/o.jsonl"], ["--coco", "file/o.json"], ["--save", "--output", "file/made"],
                      ["--save-txt", "--output", "file/made"]):
            self.assert_refused("detect", self.video, "--model", self.model, *flags, says=["file"])

    def test_a_damaged_video_is_read_as_far_as_it_goes(self):
        # The samples of an MP4 come first, its index last.
        stream = self.out / "damaged.mp4"
        content = bytearray(self.video.read_bytes())
        content[len(content) * 4 // 10:len(content) * 5 // 10] = b"\xff" * (len(content) * 5 // 10 - len(content) * 4 // 10)
        stream.write_bytes(content)
        done = self.detect(stream, "--model", self.model, "--json", "o.jsonl")
        self.assertIn("damaged", done.stderr)
        self.assertGreater(len(self.lines("o.jsonl")), FRAMES // 2)

    def test_an_import_without_files(self):
        self.assert_refused("import", "no.cfg", "no.weights", "-o", "o.onnx", says=["no.cfg"])

    def test_a_reader_that_goes_away(self):
        child = subprocess.Popen([OSPREY, "detect", self.video, "--model", self.model, "--json", "-", "--quiet"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.readline()
        child.stdout.close()
        self.assertIn(child.wait(timeout=60), (0, 2))
        child.stderr.close()


    def test_a_standard_output_that_is_closed(self):
        done = self.osprey("detect", self.video, "--model", self.model, "--json", "-", "--coco", "o.json",
                           preexec_fn=lambda: os.close(1))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("JSON Lines stream", done.stderr)
        self.assertEqual(self.left_behind(), [])


class FullDisk(CommandTest):
    """A file size limit makes writes fail as a full disk does."""

    def test_nothing_half_written_stays(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

        for flags in (["--json", "o.jsonl"], ["--coco", "o.json"], ["--save", "--output", "made"]):
            done = self.osprey("detect", self.video, "--model", self.model, *flags, preexec_fn=limit)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(flags[1] if flags[0] != "--save" else "made", done.stderr)
            self.assertEqual(self.left_behind(), [], flags)

    def test_a_full_device(self):
        done = self.osprey("detect", self.video, "--model", self.model, "--json", "/dev/full")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/dev/full: No space left on device", done.stderr)

    def test_what_is_printed_onto_a_full_device(self):
        for command in (["options"], ["info", self.model]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([OSPREY, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (2, "osprey: standard output: cannot be written\n"))


    def test_a_file_system_without_room(self):
        disk = self.out / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], capture_output=True).returncode:
            self.skipTest("a small file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        for flags in (["--json", "disk/o.jsonl"], ["--coco", "disk/o.json"], ["--save", "--output", "disk"],
                      ["--save-txt", "--output", "disk"]):
            done = self.osprey("detect", self.video, "--model", self.model, *flags)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("No space left on device", done.stderr)
            self.assertEqual(self.left_behind(), ["disk"], flags)


class Cameras(CommandTest):
    """A real RTSP server plays the beginning of the video at the video's own pace: for longer than the slowest build
    needs to start."""

    FRAMES = 200

    def setUp(self):
        super().setUp()
        clip = self.out / "clip.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", self.video, "-frames:v", str(self.FRAMES), "-bf", "0", clip],
                       check=True)  # cameras send no B frames
        self.url = self.start_camera(clip, free_port())

    def start_camera(self, video, port):
        # The system's Python has the bindings of the system's GStreamer.
        server = Path(__file__).with_name("rtsp_server.py")
        self.server = subprocess.Popen(["/usr/bin/python3", server, video, str(port)], stdout=subprocess.PIPE,
                                       text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        return self.server.stdout.readline().strip()

    def start(self, *options):
        return subprocess.Popen([OSPREY, "detect", self.url, "--model", self.model, "--json", "-", *options], cwd=self.out,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_frames_come_in_order_and_the_camera_is_named_as_the_bound(self):
        # Waiting keeps also what the camera sent while the model was compiled.
        done = self.detect(self.url, "--model", self.model, "--policy", "wait", "--reconnect", "no", "--json", "o.jsonl",
                           "--save", "--output", "made")
        frames = self.lines("o.jsonl")
        self.assertEqual([f["sequence"] for f in frames], list(range(self.FRAMES)))
        self.assertEqual({f["source"] for f in frames}, {self.url})
        for number, frame in enumerate(frames):
            self.assertAlmostEqual(frame["timestamp"] / 1e9, number / 25, delta=0.002)
            self.assertEqual(sorted(o["detection"]["label"] for o in frame["objects"]), ["blue", "red"])
        self.assertIn("bound by  source", done.stderr)
        self.assertRegex(done.stderr, r"\n +camera delivers [0-9.]+ fps")
        self.assertRegex(done.stderr, r"camera    rtsp://\S+: 2[0-9]\.\d frames a second of 25\.0 it declares, \d+ kbit/s, "
                                      r"h264 \(software\), ")
        self.assert_plays([p.relative_to(self.out) for p in (self.out / "made").glob("*.mp4")])
        self.assertEqual(len(list((self.out / "made").iterdir())), 1)

    def test_an_interrupt_ends_it_with_what_was_found(self):
        child = self.start()
        first = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, err)
        self.assertIn("interrupted", err)
        self.assert_in_order(first + out)

    def test_without_reconnecting_a_camera_that_goes_away_ends_the_run_with_what_was_found(self):
        times, clip = 10, self.out / "long.mp4"  # it is sent for longer than the slowest machine needs to start
        subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", str(times - 1), "-i", self.out / "clip.mp4",
                        "-c", "copy", clip], check=True)
        self.url = self.start_camera(clip, free_port())
        child = self.start("--reconnect", "no")
        first = child.stdout.readline()
        self.server.kill()
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, err)  # it closed the connection, as at a stream's end
        self.assertIn("frames ", err)
        self.assertLess(self.assert_in_order(first + out), times * self.FRAMES - 1)

    def test_a_camera_that_goes_away_is_waited_for(self):
        child = self.start("--max-lag", "0")  # a machine that is too busy leaves no other gap
        lines = [child.stdout.readline()]
        self.server.kill()
        self.server.wait()
        port = re.search(r":(\d+)/", self.url)[1]
        self.assertEqual(self.start_camera(self.out / "clip.mp4", port), self.url)
        # The next frame after the gap: nothing is missing in between, but time has passed.
        before = json.loads(lines[0])
        while True:
            lines.append(child.stdout.readline())
            frame = json.loads(lines[-1])
            gap = frame["timestamp"] - before["timestamp"]
            if frame["sequence"] == before["sequence"] + 1 and gap > 0.15e9:
                break
            before = frame
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, err)
        self.assertRegex(err, r"connected again [1-9]\d* times, last: ")
        self.assert_in_order("".join(lines) + out)

    def test_frames_that_nobody_can_wait_for_are_dropped_and_counted(self):
        # Without --max-lag, what decoding is late with would be left out before it is counted.
        done = self.detect(self.url, "--model", self.model, "--policy", "drop_oldest", "--in-flight", "1",
                           "--max-lag", "0", "--json", "-", "--reconnect", "no")
        delivered = len(done.stdout.splitlines())
        self.assert_in_order(done.stdout)
        dropped = re.search(r"dropped   (\d+) of (\d+) frames", done.stderr)
        if dropped:
            self.assertEqual(int(dropped[1]) + delivered, int(dropped[2]))
        else:
            self.assertEqual(delivered, self.FRAMES)

    def assert_in_order(self, lines):
        """Each sequence number once and rising; gaps are dropped frames. Returns the last one."""
        sequence = [json.loads(line)["sequence"] for line in lines.splitlines()]
        self.assertEqual(sequence, sorted(set(sequence)))
        return sequence[-1]

    def test_no_camera_at_that_address(self):
        self.server.kill()
        self.server.wait()
        done = self.osprey("detect", self.url, "--model", self.model, "--json", "o.jsonl")
        self.assertEqual((done.returncode, done.stderr), (2, f"osprey: {self.url}: Connection refused\n"))
        self.assertEqual(self.left_behind(), ["clip.mp4"])


class Interrupts(CommandTest):
    def interrupt(self, delay, *signals):
        for name in self.left_behind():
            if (self.out / name).is_file():
                (self.out / name).unlink()
        long_run = [self.video] * 30  # tens of seconds, were it let run
        child = subprocess.Popen([OSPREY, "detect", *long_run, "--model", self.model, "--json", "o.jsonl", "--coco",
                                  "o.json", "--save", "--output", "made"], cwd=self.out, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        for number in signals:
            child.send_signal(number)
            time.sleep(0.02)
        _, stderr = child.communicate(timeout=60)
        # Before the run is set up there is nothing to end cleanly.
        self.assertIn(child.returncode, (130, -signals[0]), stderr)
        left = self.left_behind()
        self.assertFalse([name for name in left if ".part" in name], left)
        for name in left:
            if not name.endswith(".mp4"):
                self.assert_complete(name)
        self.assert_plays([name for name in left if name.endswith(".mp4")])
        if child.returncode == 130:
            self.assertIn("o.jsonl", left, stderr)
            self.assertIn("interrupted", stderr)

    def test_at_any_moment_what_is_there_is_complete(self):
        seed = random.randrange(10**6)
        print("seed", seed)
        moments = random.Random(seed)
        for _ in range(10):
            self.interrupt(moments.uniform(0, 1.5), signal.SIGINT)

    def test_a_second_time_and_the_other_signal(self):
        self.interrupt(1, signal.SIGINT, signal.SIGINT)
        self.interrupt(1, signal.SIGTERM)


if __name__ == "__main__":
    unittest.main(verbosity=2)
