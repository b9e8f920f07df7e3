#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server that keeps what is posted to it; to be killed and started again.

    receiver.py PORT FILE [STATUS...]

Each request becomes a line of FILE, {"key", "type", "token", "body"}, before it is answered: first with each
STATUS in turn, then with 200."""
import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        line = {"key": self.headers["Idempotency-Key"], "type": self.headers["Content-Type"],
                "token": self.headers["Authorization"], "body": base64.b64encode(body).decode()}
        status = int(statuses.pop(0)) if statuses else 200
        os.write(kept, (json.dumps({**line, "status": status}) + "\n").encode())
        answer = f"you sent {self.headers['Authorization']}".encode() if status >= 400 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        if status == 301:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


statuses = sys.argv[3:]
kept = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
Server(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
