#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`osprey serve` as its users meet it. Run by ctest, which says where the programs are."""

import base64
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

from service import OSPREY, SOURCE, ServiceTest, free_port, listens, main, wait_for

LOOP = "  - name: {name}\n    source: {source}\n    loop: true\n"


class Configurations(ServiceTest):
    def check(self, text, *flags):
        (self.out / "o.yaml").write_text(text)
        return subprocess.run([OSPREY, "serve", *flags, "o.yaml"], cwd=self.out, capture_output=True, text=True, timeout=60)

    def test_a_good_one_passes(self):
        done = self.check(self.head() + "streams:\n" + LOOP.format(name="a", source=self.video), "--check")
        self.assertEqual((done.returncode, done.stdout), (0, "o.yaml: 1 streams, no mistakes\n"), done.stderr)

    def test_mistakes_are_told_with_line_and_key_and_nothing_is_begun(self):
        for text, expected in [
            ("streams:\n  - name: a\n    sorce: x\n", "o.yaml:7: streams[0].sorce: unknown key; did you mean source?"),
            ("streams:\n  - name: a\n    source: x\n    zones:\n      - name: z\n        points: [[0, 0], [1, 0], [1, 1]]\n"
             "        classes: reed\n", "stream 'a': "),
            ("streams: []\n", "streams: expected 1 to 256"),
        ]:
            for flags in (["--check"], []):
                done = self.check(self.head() + text, *flags)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(expected, done.stderr)
                self.assertEqual([p.name for p in self.out.iterdir()], ["o.yaml"])

    def test_an_address_others_reach_needs_a_token(self):
        text = self.head().replace("127.0.0.1:0", "0.0.0.0:0") + "streams:\n" + LOOP.format(name="a", source=self.video)
        done = self.check(text)
        self.assertEqual(done.returncode, 2)
        self.assertIn("token", done.stderr)

    def test_files_of_the_server_have_to_be_there(self):
        text = self.head().replace("127.0.0.1:0\n", "127.0.0.1:0\n  token_file: gone\n")
        done = self.check(text + "streams:\n" + LOOP.format(name="a", source=self.video), "--check")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{self.out}/gone", done.stderr)

    def test_the_published_schema_is_the_commands(self):
        done = subprocess.run([OSPREY, "serve", "--schema"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(done.stdout), json.loads((SOURCE / "docs/serve.schema.json").read_text()))


class Services(ServiceTest):
    def config(self, *names, more="", head=""):
        return self.head(head) + "streams:\n" + "".join(LOOP.format(name=n, source=self.video) + more for n in names)

    def test_it_shows_what_it_does_and_ends_in_order(self):
        service = self.serve(self.config("a", "b"))
        wait_for(lambda: all(s["delivered"] > 30 for s in service.status()["streams"]), "results")
        status = service.status()
        self.assertEqual([s["name"] for s in status["streams"]], ["a", "b"])
        self.assertEqual({s["state"] for s in status["streams"]}, {"running"})
        service.get("/healthz")
        service.get("/readyz")
        metrics = service.get("/metrics").decode()
        self.assertRegex(metrics, r'osprey_frames_captured_total\{stream="a"\} \d+')
        picture = service.get("/api/v1/streams/a/snapshot.jpg")
        self.assertEqual(picture[:3], b"\xff\xd8\xff")
        labels = {o["detection"]["label"] for o in service.json("/api/v1/streams/a/objects")["objects"]}
        self.assertLessEqual(labels, {"red", "blue"})
        wait_for(lambda: service.json("/api/v1/events")["events"], "events")
        for stream in service.status()["streams"]:
            self.assert_ledger(stream)
        self.assertEqual(service.stop(), 0, service.said())
        self.assertIn("a  ", service.said())

    def test_a_reload_keeps_streams_that_did_not_change(self):
        service = self.serve(self.config("kept", "gone"))
        wait_for(lambda: service.stream("kept")["delivered"] > 20, "results")
        before = service.stream("kept")
        service.write(self.config("kept", "new"))
        self.assertIn("read the configuration again", service.reload())
        self.assertIsNone(service.stream("gone"))
        wait_for(lambda: service.stream("new")["delivered"] > 10, "the new stream's results")
        after = service.stream("kept")
        self.assertGreater(after["delivered"], before["delivered"])
        self.assertEqual(after["reconnects"], 0)
        self.assert_ledger(after)

    def test_a_configuration_with_a_mistake_changes_nothing(self):
        service = self.serve(self.config("a"))
        service.write(self.config("a") + "  - name: b\n")
        self.assertIn("streams[1]: expected a key 'source'", service.reload())
        self.assertEqual([s["name"] for s in service.status()["streams"]], ["a"])

    def test_a_configuration_that_cannot_be_followed_changes_nothing(self):
        service = self.serve(self.config("a", "b"))
        wait_for(lambda: service.stream("a")["delivered"] > 10, "results")
        # A file that is not there, an address that is not this machine's.
        for wrong in (self.config("a") + "  - name: gone\n    source: gone.mp4\n",
                      self.config("a").replace("127.0.0.1:0", "192.0.2.1:9")):
            service.write(wrong)
            self.assertIn("the configuration stays", service.reload())
            self.assertEqual([s["name"] for s in service.status()["streams"]], ["a", "b"])
            for name in "ab":
                before = service.stream(name)["delivered"]
                wait_for(lambda: service.stream(name)["delivered"] > before, "more results")
        service.write(self.config("a"))
        self.assertIn("read the configuration again", service.reload())
        self.assertEqual([s["name"] for s in service.status()["streams"]], ["a"])

    def test_lines_asked_for_later_are_whole(self):
        service = self.serve(self.config("a"))
        wait_for(lambda: service.stream("a")["delivered"] > 10, "results")
        lines = self.out / "lines.jsonl"
        service.write("sinks:\n  json_lines:\n    path: lines.jsonl\n" + self.config("a"))
        self.assertIn("read the configuration again", service.reload())
        wait_for(lambda: lines.exists() and lines.read_text().count("\n") > 5, "lines")
        for line in lines.read_text().splitlines()[:5]:
            self.assertEqual(json.loads(line)["source"], "a")
        self.assertEqual(service.stream("a")["reconnects"], 0)

    def test_a_zone_that_is_left_is_empty_for_the_broker_too(self):
        port = free_port()
        (self.out / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        self.background("mosquitto", "-c", self.out / "broker.conf", stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(port), "the broker")
        seen = self.out / "seen"
        with open(seen, "w") as file:
            self.background("mosquitto_sub", "-p", port, "-t", "osprey/a/way/red", stdout=file)
        # The red square moves through it and begins again on its left.
        zone = "    zones:\n      - name: way\n        points: [[0.25, 0], [0.36, 0], [0.36, 1], [0.25, 1]]\n"
        self.serve(f"sinks:\n  mqtt:\n    host: 127.0.0.1\n    port: {port}\n" + self.config("a", more=zone))
        wait_for(lambda: "1\n0\n1\n" in seen.read_text(), "it to come and go", instead=seen.read_text)

    def test_other_models_begin_all_anew(self):
        service = self.serve(self.config("a"))
        wait_for(lambda: service.stream("a")["delivered"] > 10, "results")
        service.write(self.config("a", head="  conf: 0.9\n"))
        self.assertIn("read the configuration again", service.reload())
        wait_for(lambda: service.stream("a")["delivered"] > 10, "results again")

    def test_zones_are_saved_into_the_file_and_count(self):
        service = self.serve("# kept\n" + self.config("a"))
        zone = {"name": "left", "kind": "zone", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], "classes": ["red"]}
        line = {"name": "gate", "kind": "line", "points": [[0.25, 0], [0.25, 1]], "classes": []}
        status, text = service.put("/api/v1/streams/a/shapes", {"shapes": [zone, line]})
        self.assertIn(status, (200, 204), text)
        self.assertTrue(service.config.read_text().startswith("# kept\n"))
        self.assertIn("gate", service.config.read_text())
        wait_for(lambda: any(z["entered"] for z in service.stream("a")["zones"]), "the zone to count")
        wait_for(lambda: any(one["in"] or one["out"] for one in service.stream("a")["lines"]), "the line to count")
        # The file is the configuration: reading it again changes nothing.
        captured = service.stream("a")["captured"]
        service.reload()
        self.assertGreaterEqual(service.stream("a")["captured"], captured)
        status, text = service.put("/api/v1/streams/a/shapes", {"shapes": [{**zone, "classes": ["nothing"]}]})
        self.assertEqual(status, 400, text)
        self.assertIn("nothing", text)

    def test_a_file_that_ends_is_ended_and_the_rest_goes_on(self):
        service = self.serve(self.config("loop") + f"  - name: once\n    source: {self.video}\n")
        wait_for(lambda: service.stream("once")["state"] == "ended", "the end of the file")
        before = service.stream("loop")["delivered"]
        wait_for(lambda: service.stream("loop")["delivered"] > before, "the other stream")


class Cameras(ServiceTest):
    KILLS = int(os.environ.get("OSPREY_RESTARTS", 3))

    def test_a_camera_that_is_killed_is_back_soon_after_it_returns(self):
        camera = self.camera()
        service = self.serve(self.head() + f"streams:\n  - name: door\n    source: {camera.url}\n")
        wait_for(lambda: service.stream("door")["delivered"] > 10, "results")
        slowest, first = 0, None
        for number in range(self.KILLS):
            camera.kill()
            wait_for(lambda: service.stream("door")["state"] != "running", "the loss to be noticed")
            camera.start()
            before, back = service.stream("door")["delivered"], time.monotonic()
            wait_for(lambda: service.stream("door")["delivered"] > before, "results again")
            slowest = max(slowest, time.monotonic() - back)
            self.assertLess(slowest, 3)
            self.assert_ledger(service.stream("door"))
            if number == 1:  # what is loaded once is there
                first = self.least_usage(service)
        last = self.least_usage(service)
        print(f"{self.KILLS} kills: back within {slowest:.2f} s; {first} after the second, {last} after the last")
        self.assertLessEqual(last["threads"], first["threads"])
        self.assertLessEqual(last["descriptors"], first["descriptors"] + 2)
        self.assertLess(last["MB"], first["MB"] + 12)
        self.assertEqual(service.stream("door")["reconnects"], self.KILLS)
        self.assertEqual(service.stop(), 0)

    @staticmethod
    def least_usage(service):
        """In two seconds: a connection to the server has a descriptor for a moment."""
        seen = []
        for _ in range(20):
            seen.append(service.usage())
            time.sleep(0.1)
        return {key: min(one[key] for one in seen) for key in seen[0]}

    def test_a_camera_that_is_not_there_holds_nothing_up(self):
        config = f"streams:\n  - name: door\n    source: rtsp://me:secret@127.0.0.1:{free_port()}/camera\n"
        service = self.serve(self.head() + config + LOOP.format(name="other", source=self.video))
        wait_for(lambda: service.stream("other")["delivered"] > 10, "the other stream")
        wait_for(lambda: service.stream("door")["problem"], "the problem")
        self.assertIn(service.stream("door")["state"], ("connecting", "waiting"))
        begin = time.monotonic()
        self.assertEqual(service.stop(), 0)
        self.assertLess(time.monotonic() - begin, 5)
        everything = service.said()
        self.assertNotIn("secret", everything)

    def test_events_are_recorded_and_the_annotated_stream_is_served(self):
        camera = self.camera()
        service = self.serve(self.head() + f"streams:\n  - name: door\n    source: {camera.url}\n    hls: true\n"
                             "    record: {pre_roll: 1, post_roll: 1}\n")
        wait_for(lambda: service.json("/api/v1/events")["events"], "an event")
        playlist = wait_for(lambda: self.playlist(service), "the playlist")
        self.assertIn("#EXTM3U", playlist)
        time.sleep(2)
        self.assertEqual(service.stop(), 0)
        recordings = list((self.out / "data/recordings").glob("door_*"))
        self.assertTrue(recordings)
        for file in recordings:
            played = subprocess.run(["ffmpeg", "-v", "error", "-i", file, "-f", "null", "-"], capture_output=True, text=True)
            self.assertEqual((played.returncode, played.stderr), (0, ""), file)

    @staticmethod
    def playlist(service):
        try:
            return service.get("/hls/door/live.m3u8").decode()
        except OSError:
            return None


class Events(ServiceTest):
    SECONDS = 8

    def test_each_event_arrives_once_and_in_order_whoever_is_killed(self):
        port, broker_port, received = free_port(), free_port(), self.out / "received"
        (self.out / "broker.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")

        def receiver():
            return self.background("/usr/bin/python3", SOURCE / "tests/results/receiver.py", port, received,
                                   stderr=subprocess.DEVNULL)

        def broker():
            one = self.background("mosquitto", "-c", self.out / "broker.conf", stderr=subprocess.DEVNULL)
            wait_for(lambda: listens(broker_port), "the broker")
            return one

        peers = {"receiver": (receiver, receiver()), "broker": (broker, broker())}
        service = self.serve(
            self.head() + "".join(["streams:\n", *(LOOP.format(name=f"s{i}", source=self.video) for i in range(3))]) +
            f"sinks:\n  http:\n    - url: http://127.0.0.1:{port}/events\n  mqtt:\n    host: 127.0.0.1\n    port: {broker_port}\n")
        end = time.monotonic() + self.SECONDS
        while time.monotonic() < end:
            time.sleep(random.uniform(0.2, 1))
            victim = random.choice([*peers, "osprey"])
            if victim == "osprey":
                service.process.kill()
                service.process.wait()
                service.start()
            else:
                begin, process = peers[victim]
                process.kill()
                process.wait()
                time.sleep(random.uniform(0, 0.5))
                peers[victim] = (begin, begin())
        wait_for(lambda: len(self.keys(received)) >= 10, "events")
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=30)
        # No more are made; what is left goes out with the next start, which makes some of its own.
        last = self.last_number()
        service.start()
        wait_for(lambda: max(self.numbers(received), default=0) >= last, "the rest")
        numbers = list(self.first_by_key(received).values())
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertEqual(numbers[0], 1)
        wait_for(lambda: all(s["connected"] for s in service.status()["sinks"]), "both sinks")

    def last_number(self):
        with sqlite3.connect(f"file:{self.out}/data/outbox.db?mode=ro", uri=True) as outbox:
            return outbox.execute("select max(number) from events").fetchone()[0]

    @staticmethod
    def lines(received):
        if not received.exists():
            return []
        return [json.loads(base64.b64decode(json.loads(line)["body"])) for line in received.read_text().splitlines()
                if line.endswith("}")]

    def keys(self, received):
        return {one["key"] for one in self.lines(received)}

    def numbers(self, received):
        return [one["number"] for one in self.lines(received)]

    def first_by_key(self, received):
        first = {}
        for one in self.lines(received):
            first.setdefault(one["key"], one["number"])
        return first


if __name__ == "__main__":
    main()
