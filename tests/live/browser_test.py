#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard of a real `osprey serve` in a browser. Run by ctest, which says where the programs are."""

import sys

from service import SOURCE, ServiceTest, main, wait_for

sys.path.insert(0, str(SOURCE / "tests/serve"))
from chromium import Chromium  # noqa: E402

PLAYS = "(() => { const v = document.querySelector('video'); return v && v.currentTime > 0.3 && v.videoWidth; })()"


class Browsers(ServiceTest):
    def setUp(self):
        super().setUp()
        self.browser = Chromium()
        self.addCleanup(self.browser.close)

    def serve_a_camera(self, more):
        service = self.serve(self.head() + f"streams:\n  - name: door\n    source: {self.camera().url}\n{more}")
        wait_for(lambda: service.stream("door")["delivered"] > 10, "results")
        return service

    def test_live_pictures_and_events_are_shown(self):
        service = self.serve_a_camera("")
        self.browser.open(service.url)
        self.browser.wait_for("document.querySelector('[data-key=door] canvas[data-shown]')", "a live picture")
        self.browser.wait_for("document.querySelector('#events > li')", "an event")
        self.browser.wait_for("document.querySelector('[data-key=door] .diagnosis').textContent.includes('camera delivers')")
        self.assertEqual([url for url in self.browser.requests if not url.startswith((service.url, "about:", "data:"))], [])
        self.assertEqual(self.browser.console, [])

    def test_a_recording_plays(self):
        service = self.serve_a_camera("    record: {pre_roll: 1, post_roll: 1, longest: 10}\n")
        # Objects that stand are an event without an end: a reload that takes recording away completes its file.
        wait_for(lambda: service.json("/api/v1/events")["events"], "an event")
        wait_for(lambda: service.json("/api/v1/recordings")["recordings"], "a recording")
        self.browser.open(service.url)
        self.browser.wait_for("document.querySelector('#recordings button')", "the recording's row")
        self.browser.click_on("#recordings button")
        self.browser.wait_for(PLAYS, "the recording to play")
        self.assertEqual(self.browser.run("document.querySelector('video').videoWidth"), 128)

    def test_the_annotated_stream_plays_as_hls(self):
        service = self.serve_a_camera("    hls: true\n")
        wait_for(lambda: self.segments(service) >= 4, "four segments")
        self.browser.open(service.url + "/#/stream/door")
        self.browser.wait_for("!document.querySelector('.hls').hidden", "where it is")
        self.browser.run("""(() => { const video = document.createElement('video'); video.muted = true;
            video.src = document.querySelector('.hls a').href; document.body.replaceChildren(video); video.play().catch(() => {}); })()""")
        self.browser.wait_for(PLAYS, "the stream to play")

    @staticmethod
    def segments(service):
        try:
            return service.get("/hls/door/live.m3u8").count(b".ts")
        except OSError:
            return 0


if __name__ == "__main__":
    main()
