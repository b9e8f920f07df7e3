#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A web server for tests: a folder's files, and pictures of a camera that never end.

    http_camera.py FOLDER FPS

Prints its address; /camera are the folder's *.jpg as multipart/x-mixed-replace, FPS a second, again
and again. Serves until it is killed.
"""
import functools
import http.server
import itertools
import sys
import time
from pathlib import Path

FOLDER, FPS = Path(sys.argv[1]), float(sys.argv[2])


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/camera":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        begin = time.monotonic()
        try:
            for number, picture in enumerate(itertools.cycle(sorted(FOLDER.glob("*.jpg")))):
                time.sleep(max(0, begin + number / FPS - time.monotonic()))
                data = picture.read_bytes()
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data))
                self.wfile.write(data + b"\r\n")
        except OSError:
            pass  # the viewer has gone

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=FOLDER))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
