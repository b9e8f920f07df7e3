#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server for tests that H.264 is pushed to: the n-th stream goes into FOLDER/received-n.ts as it comes.

    rtsp_receiver.py FOLDER [PORT]

Prints its rtsp:// address once it answers, and serves until it is killed.
"""
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

folder = sys.argv[1]


class Factory(GstRtspServer.RTSPMediaFactory):
    def do_create_element(self, url):
        number = 0
        while os.path.exists(f"{folder}/received-{number}.ts"):
            number += 1
        return Gst.parse_launch(
            "( rtph264depay name=depay0 ! h264parse config-interval=-1 ! mpegtsmux"
            f' ! filesink buffer-mode=unbuffered sync=false async=false location="{folder}/received-{number}.ts" )')


def main():
    Gst.init(None)
    factory = Factory()
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    factory.set_latency(0)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[2] if len(sys.argv) > 2 else "0")  # any free port
    server.get_mount_points().add_factory("/live", factory)
    if server.attach(None) == 0:
        sys.exit("rtsp_receiver.py: no port to listen on")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/live", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
