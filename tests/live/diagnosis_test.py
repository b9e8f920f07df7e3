#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `osprey serve` says limits a stream, where just that does. Run by ctest, which says where the programs are."""

import os
import re
import subprocess
import time
import unittest
from pathlib import Path

from service import SOURCE, Camera, ServiceTest, main, wait_for

SHARED = Path(os.environ.get("OSPREY_SHARED_DIR", SOURCE.parent / "shared"))


class Diagnoses(ServiceTest):
    def assert_limit(self, streams, limit, sentence, detect="", sinks="", **how):
        """It comes to the verdict, and stays with it for four seconds: on a busy machine not at once."""
        service = self.serve(self.head(detect) + sinks + "streams:\n" + streams, **how)
        told = []

        def stays():
            told.append(service.status()["streams"][0])
            time.sleep(0.5)
            return len(told) >= 8 and all(t["limit"] == limit and re.search(sentence, t["diagnosis"]) for t in told[-8:])

        wait_for(stays, f"'{limit}': '{sentence}'", 90, lambda: [(t["limit"], t["diagnosis"]) for t in told[-8:]])
        print(f"{limit}: {told[-1]['diagnosis']}")

    def camera_of(self, name, *how):
        """An RTSP camera with the test's video, re-encoded or copied as ffmpeg is told to."""
        clip = self.out / name
        subprocess.run(["ffmpeg", "-v", "error", "-i", self.clip, *how, clip], check=True)
        camera = Camera(clip)
        self.addCleanup(camera.kill)
        return f"  - name: door\n    source: {camera.url}\n"

    def test_nothing(self):
        self.assert_limit(self.camera_of("idle.mp4", "-r", "10", "-bf", "0"), "idle",
                          r"^camera delivers \d+\.\d fps, as it declares, all of which are looked at; .* there is room")

    def test_a_camera_that_gives_less_than_it_declares(self):
        # As the settings' page has it 25 fps, while frames come as at 15.
        slow = self.camera_of("slow.mp4", "-c", "copy", "-bsf:v", "setts=pts=PTS*25/15:dts=DTS*25/15")
        self.assert_limit(slow, "source", r"^camera delivers 1[45]\.\d fps of the 25 it declares; .*; ask the camera for 25$")

    def test_a_decoder_that_does_not_keep_up(self):
        noise = self.out / "noise.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=2560x1440:rate=240", "-vf",
                        "noise=alls=80:allf=t", "-frames:v", "240", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "26",
                        "-bf", "0", noise], check=True)
        self.assert_limit(f"  - name: wall\n    source: {noise}\n    loop: true\n", "decode",
                          r"^decoding takes [\d.]+ ms a frame on one thread: .* use a hardware decoder or the camera's sub-stream$")

    @unittest.skipUnless((SHARED / "models/yolov8n.onnx").exists(), f"no {SHARED}/models/yolov8n.onnx")
    def test_a_model_that_is_too_large(self):
        loops = "".join(f"  - name: s{i}\n    source: {self.video}\n    loop: true\n" for i in range(4))
        type(self).model = SHARED / "models/yolov8n.onnx"
        self.addCleanup(setattr, type(self), "model", self.data / "spots.onnx")
        self.assert_limit(loops, "inference", r"^the model takes \d+ ms a frame on one lane: .*four streams give; a smaller model",
                          detect="  lanes: 1\n  threads: 1\n")

    def test_a_sink_that_is_too_slow(self):
        self.assert_limit(f"  - name: door\n    source: {self.video}\n    loop: true\n", "output",
                          r"^the sink 'json_lines' needs 1\d\d ms each time: \d\.\d of the \d\d frames a second that",
                          sinks="sinks:\n  json_lines:\n    path: lines.jsonl\n", LD_PRELOAD=os.environ["SLOW_DISK"])


if __name__ == "__main__":
    main()
