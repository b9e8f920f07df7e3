#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events reach real peers, in order and none twice (by key), whoever is killed. Run by ctest, which says where the programs are.

OSPREY_RESULTS_SECONDS=300 makes the runs with kills so long, with a peer down for a minute, instead of some seconds."""

import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEND_EVENTS, RECEIVE_EVENTS = os.environ["SEND_EVENTS"], os.environ["RECEIVE_EVENTS"]
SECONDS = float(os.environ.get("OSPREY_RESULTS_SECONDS", "3"))
PAUSE_MS = 3 if SECONDS < 60 else 20

sys.path.insert(0, str(HERE.parent / "support"))
from peers import free_port, listens, wait_for  # noqa: E402


class ResultsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.port = free_port()
        self.running = []
        self.addCleanup(lambda: [self.kill(one) for one in list(self.running)])
        seed = int(os.environ.get("OSPREY_RESULTS_SEED", random.randrange(1 << 30)))
        self.random = random.Random(seed)
        self.seed = f"OSPREY_RESULTS_SEED={seed}"

    def start(self, *command, to=os.devnull, **more):
        """`to`: a file for what it prints, which is appended to."""
        with open(to, "a") as output:
            program = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, **more)
        self.running.append(program)
        return program

    def kill(self, program):
        program.kill()
        program.wait()
        self.running.remove(program)

    def sender(self, events, **more):
        options = {"outbox": str(self.out / "outbox.db"), "events": events, **self.peer_options(), **more}
        return self.start(SEND_EVENTS, json.dumps(options), to=self.out / "status", stderr=subprocess.DEVNULL)

    def send(self, events, expected=0, **more):
        self.assertEqual(self.sender(events, **more).wait(timeout=100), expected)

    def statuses(self):
        return [json.loads(line) for line in (self.out / "status").read_text().splitlines()]

    def wait_for_problem(self, pattern):
        wait_for(lambda: any(re.search(pattern, one["problem"]) for one in self.statuses()), f"the problem: {pattern}",
                 instead=self.statuses)

    def assert_each_once_in_order(self, keys_and_numbers, events):
        """By key; what comes again has the number it had."""
        first = {}
        for key, number in keys_and_numbers:
            self.assertEqual(first.setdefault(key, number), number)
        self.assertEqual(list(first.values()), list(range(1, events + 1)), self.seed)

    def run_with_kills(self, **more):
        """Whoever is drawn is killed and started again, while events come; how many they were."""
        stop = self.out / "stop"
        again = {"pause_ms": PAUSE_MS, "stop": str(stop), "patience_s": 300, **more}
        end = time.monotonic() + SECONDS
        self.start_peer()
        sender = self.sender(1 << 30, **again)
        kills = {"peer": 0, "sender": 0}
        down_for_long = SECONDS >= 200
        while time.monotonic() < end:
            time.sleep(self.random.uniform(0, 0.6))
            victim = self.random.choice(["peer", "sender"])
            kills[victim] += 1
            if victim == "peer":
                self.kill_peer()
                time.sleep(60 if down_for_long else self.random.uniform(0, 0.3))
                down_for_long = False
                self.start_peer()
            else:
                self.kill(sender)
                sender = self.sender(1 << 30, **again)
        stop.touch()
        self.assertEqual(sender.wait(timeout=320), 0, self.seed)
        status = self.statuses()[-1]
        self.assertEqual((status["waiting"], status["discarded"], status["refused"]), (0, 0, 0))
        print(f"{status['delivered']} events, killed: {kills}", file=sys.stderr)
        return status["delivered"]


class Http(ResultsTest):
    def start_peer(self, *statuses):
        self.receiver = self.start(sys.executable, HERE / "receiver.py", self.port, self.out / "received", *statuses,
                                   stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), "the receiver")

    def kill_peer(self):
        self.kill(self.receiver)

    def peer_options(self):
        return {"http": {"url": f"http://127.0.0.1:{self.port}/events?secret=1"}}

    def received(self):
        lines = [json.loads(line) for line in (self.out / "received").read_text().splitlines()]
        return [{**line, "body": base64.b64decode(line["body"])} for line in lines]

    def test_each_event_arrives_once_and_in_order_whoever_is_killed(self):
        events = self.run_with_kills()
        bodies = [json.loads(one["body"]) for one in self.received()]
        self.assertEqual([one["key"] for one in self.received()], [one["key"] for one in bodies])
        self.assert_each_once_in_order([(one["key"], one["n"]) for one in bodies], events)
        self.assertTrue(all(one["n"] == one["number"] for one in bodies))

    def test_the_notes_form_is_a_length_json_and_a_picture(self):
        self.start_peer()
        self.send(2, picture="JPEG", http={**self.peer_options()["http"], "note": True})
        for number, one in enumerate(self.received(), 1):
            self.assertEqual(one["type"], "application/octet-stream")
            length = int.from_bytes(one["body"][:2], "little")
            self.assertEqual(json.loads(one["body"][2:2 + length])["n"], number)
            self.assertEqual(one["body"][2 + length:], b"JPEG")

    def test_a_token_is_sent_and_never_told(self):
        (self.out / "token").write_text("s3cret\nnot this\n")
        self.start_peer(401, 503, 500)
        self.send(1, http={**self.peer_options()["http"], "token_file": str(self.out / "token")})
        self.assertEqual([one["status"] for one in self.received()], [401, 503, 500, 200])
        self.assertEqual({one["token"] for one in self.received()}, {"Bearer s3cret"})
        status = (self.out / "status").read_text()
        self.assertNotIn("s3cret", status)
        self.assertNotIn("secret=1", status)
        self.assertIn(f"http://127.0.0.1:{self.port}/events: answered 401 (you sent Bearer ***)", status)

    def test_an_event_that_is_refused_again_and_again_is_set_aside_and_the_next_are_sent(self):
        self.start_peer(200, 422, 422, 422, 200, 301, 200)
        self.send(4, refusals=3)
        answered = [(json.loads(one["body"])["n"], one["status"]) for one in self.received()]
        self.assertEqual(answered, [(1, 200), (2, 422), (2, 422), (2, 422), (3, 200), (4, 301), (4, 200)])
        last = self.statuses()[-1]
        self.assertEqual((last["delivered"], last["refused"], last["waiting"], last["problem"]), (3, 1, 0, ""))

    def test_https_needs_a_certificate_that_is_known(self):
        make_certificate(self.out)
        with open(self.out / "tls.py", "w") as script:
            script.write("import http.server, ssl, sys\n"
                         "class H(http.server.BaseHTTPRequestHandler):\n"
                         "    def do_POST(self):\n"
                         "        self.rfile.read(int(self.headers['Content-Length']))\n"
                         "        self.send_response(204)\n"
                         "        self.end_headers()\n"
                         "    def log_message(self, *_): pass\n"
                         "s = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H)\n"
                         "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
                         "c.load_cert_chain('certificate.pem', 'key.pem')\n"
                         "s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)\n"
                         "s.serve_forever()\n")
        self.start(sys.executable, "tls.py", self.port, cwd=self.out, stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), "the receiver")
        url = {"url": f"https://127.0.0.1:{self.port}/"}
        sender = self.sender(1, http=url)
        self.wait_for_problem("certificate")
        self.kill(sender)
        self.assertEqual(self.statuses()[-1]["delivered"], 0)
        self.send(1, http={**url, "ca_file": str(self.out / "certificate.pem")})


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
                   cwd=folder, check=True, capture_output=True)
    os.chmod(folder / "key.pem", 0o644)


class Mqtt(ResultsTest):
    mosquitto = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    config = "set_tcp_nodelay true\nallow_anonymous true\n"
    listener = ""

    def start_peer(self):
        self.assertIsNotNone(self.mosquitto, "mosquitto is not installed: tools/bootstrap")
        # Without "user root" it would change to a user who cannot read the folder.
        (self.out / "broker.conf").write_text(
            f"user root\nlistener {self.port} 127.0.0.1\n{self.config}{self.listener}".replace("OUT", str(self.out)))
        self.broker = self.start(self.mosquitto, "-c", self.out / "broker.conf", stderr=subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), "the broker")

    def kill_peer(self):
        self.kill(self.broker)

    def peer_options(self):
        return {"mqtt": {"port": self.port, "require_subscriber": True}}

    def subscriber(self, topic, name, *more):
        """It has subscribed when this returns, and comes back to a broker that was killed by itself."""
        probe = f"probe/{name}"
        self.start("mosquitto_sub", "-p", self.port, "-V", "5", "-q", "1", "-t", topic, "-t", probe, "-F", "%t %r %p",
                   *more, to=self.out / name, stderr=subprocess.DEVNULL)

        def hears():
            subprocess.run(["mosquitto_pub", "-p", str(self.port), "-t", probe, "-n"], check=True)
            return probe in (self.out / name).read_text()

        wait_for(hears, f"the subscription to {topic}")

    def messages(self, name):
        """Without probes."""
        text = (self.out / name).read_text()
        lines = text[:text.rfind("\n") + 1].splitlines()
        return [(topic, retained == "1", payload)
                for topic, retained, payload in (line.split(" ", 2) for line in lines)
                if not topic.startswith("probe/")]

    def test_each_event_arrives_once_and_in_order_whoever_is_killed(self):
        """From end to end: what a broker has taken it forgets when it is killed."""
        self.start(RECEIVE_EVENTS, self.port, to=self.out / "events")
        events = self.run_with_kills(mqtt={"port": self.port, "receiver_acknowledges": True, "timeout_ms": 1000})
        received = [json.loads(line) for line in (self.out / "events").read_text().splitlines()]
        self.assert_each_once_in_order([(one["key"], one["n"]) for one in received], events)

    def test_who_is_there_is_known_and_home_assistant_hears_of_sensors(self):
        self.start_peer()
        self.subscriber("#", "all")
        sender = self.sender(1, patience_s=60, mqtt={"port": self.port, "streams": True})
        self.assertEqual(sender.wait(timeout=60), 0)
        found = lambda: {topic: payload for topic, _, payload in self.messages("all")}
        wait_for(lambda: found().get("osprey/available") == "offline", "its leaving")
        available = [payload for topic, _, payload in self.messages("all") if topic == "osprey/available"]
        self.assertEqual(available, ["online", "offline"])
        self.assertEqual(json.loads(found()["osprey/events"])["n"], 1)
        self.assertEqual(found()["osprey/door_1/person"], "2")
        self.assertEqual(found()["osprey/door_1/drive/person"], "1")
        self.assertEqual(json.loads(found()["osprey/stats"])["streams"]["door_1"]["fps"], 15)
        sensors = {t: json.loads(p) for t, p in found().items() if t.startswith("homeassistant/")}
        self.assertEqual(len(sensors), 2 + 2 * 2 * 2)
        occupancy = sensors["homeassistant/binary_sensor/osprey_door_1/drive_person_occupancy/config"]
        self.assertEqual(occupancy["state_topic"], "osprey/door_1/drive/person")
        self.assertEqual(occupancy["availability_topic"], "osprey/available")
        self.assertEqual(occupancy["device"]["name"], "door/1")
        self.assertEqual(len({sensor["unique_id"] for sensor in sensors.values()}), len(sensors))
        fps = sensors["homeassistant/sensor/osprey_door_1/fps/config"]
        self.assertEqual(fps["value_template"], "{{ value_json.streams['door_1'].fps | round(2) }}")
        # Kept for those who come later.
        self.subscriber("#", "later")
        wait_for(lambda: len(self.messages("later")) >= 4 + len(sensors) - 1, "what is retained")
        self.assertTrue(all(retained for _, retained, _ in self.messages("later")))
        self.assertNotIn("osprey/stats", {topic for topic, _, _ in self.messages("later")})

    def test_home_assistant_forgets_streams_that_went_while_nobody_was_there(self):
        self.start_peer()

        def kept(stream, label, prefix="osprey"):
            topic = f"homeassistant/sensor/{prefix}_{stream}/{label}_count/config"
            message = {"availability_topic": f"{prefix}/available",
                       "device": {"identifiers": [f"{prefix}_{stream}"], "manufacturer": "Osprey"}}
            subprocess.run(["mosquitto_pub", "-p", str(self.port), "-q", "1", "-r", "-t", topic, "-m", json.dumps(message)], check=True)
            return topic

        gone, there, others = kept("cellar", "person"), kept("door_1", "bicycle"), kept("cellar", "person", "hawk")
        self.subscriber("homeassistant/#", "all")
        self.assertEqual(self.sender(1, mqtt={"port": self.port, "streams": True}).wait(timeout=60), 0)
        wait_for(lambda: (gone, "") in [(topic, payload) for topic, _, payload in self.messages("all")], "its end")
        self.subscriber("homeassistant/#", "later")
        wait_for(lambda: len(self.messages("later")) >= 2 + 2 + 2 * 2 * 2, "what is kept")
        topics = {topic for topic, _, _ in self.messages("later")}
        self.assertNotIn(gone, topics)
        self.assertLessEqual({there, others}, topics)

    def test_the_last_will_says_that_a_killed_sender_is_gone(self):
        self.start_peer()
        self.subscriber("osprey/available", "available")
        sender = self.sender(1 << 30, pause_ms=10)
        wait_for(lambda: self.messages("available"), "its coming")
        sender.send_signal(signal.SIGKILL)
        wait_for(lambda: self.messages("available")[-1][2] == "offline", "its will")

    def test_what_nobody_subscribes_to_waits(self):
        self.start_peer()
        sender = self.sender(3)
        self.wait_for_problem("nobody has subscribed to osprey/events")
        self.subscriber("osprey/events", "events")
        self.assertEqual(sender.wait(timeout=60), 0)
        wait_for(lambda: len(self.messages("events")) == 3, "three events")

    def test_a_password_is_needed_where_the_broker_wants_one(self):
        self.config = "allow_anonymous false\npassword_file OUT/passwords\n"
        subprocess.run(["mosquitto_passwd", "-b", "-c", self.out / "passwords", "osprey", "s3cret"], check=True,
                       capture_output=True)
        self.start_peer()
        options = {"port": self.port, "username": "osprey", "password_file": str(self.out / "password")}
        (self.out / "password").write_text("wrong\n")
        sender = self.sender(1, mqtt=options)
        self.wait_for_problem("uthori[sz]ed")
        (self.out / "password").write_text("s3cret\n")
        self.assertEqual(sender.wait(timeout=60), 0)
        self.assertNotIn("s3cret", (self.out / "status").read_text())

    def test_tls_needs_a_certificate_that_is_known(self):
        make_certificate(self.out)
        self.listener = "certfile OUT/certificate.pem\nkeyfile OUT/key.pem\n"
        self.start_peer()
        self.send(1, expected=1, patience_s=1, mqtt={"port": self.port, "tls": True})
        self.assertFalse(self.statuses()[-1]["connected"])
        self.send(1, mqtt={"port": self.port, "tls": True, "ca_file": str(self.out / "certificate.pem")})

    def test_a_broker_that_says_nothing_or_is_not_there_is_a_problem_in_words(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            sender = self.sender(1, mqtt={"port": port, "timeout_ms": 300})
            self.wait_for_problem(f"mqtt 127.0.0.1:{port}: no answer in time")
            self.kill(sender)
        self.sender(1, mqtt={"port": self.port})
        self.wait_for_problem(f"mqtt 127.0.0.1:{self.port}: ")


if __name__ == "__main__":
    unittest.main()
