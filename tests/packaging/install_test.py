#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An installed tree works from wherever it is moved to, for its command and for another project."""
import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

GRID, STRIDE = 4, 8  # the model's cells across, and their side in pixels
CFG = f"""[net]
width={GRID * STRIDE}
height={GRID * STRIDE}
channels=3

[convolutional]
filters=12
size=1
stride={STRIDE}
pad=0
activation=linear

[yolo]
mask=0,1
anchors={STRIDE},{STRIDE}, 20,20
classes=1
num=2
"""


def write_model(folder):
    """A Darknet network whose answer is known: one object of a cell's size in every cell."""
    (folder / "grid.cfg").write_text(CFG)
    (folder / "grid.names").write_text("cell\n")
    sure, never = 10.0, -10.0
    biases = [0, 0, 0, 0, sure, sure] + [0, 0, 0, 0, never, never]
    kernels = [0.0] * 12 * 3
    header = struct.pack("<iiiq", 0, 2, 5, 0)
    (folder / "grid.weights").write_bytes(header + struct.pack("<48f", *biases, *kernels))


def write_picture(path):
    side = GRID * STRIDE
    path.write_bytes(b"P6\n%d %d\n255\n" % (side, side) + bytes(side * side * 3))


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"failed ({done.returncode}): {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_no_file_mentions(prefix, folders, strip, work):
    """Debug information aside, nothing installed knows where it was built."""
    for path in sorted(p for p in prefix.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.suffix == ".service":
            continue  # units name programs by their place
        content = path.read_bytes()
        if content.startswith(b"\x7fELF"):
            run(strip, "-o", work / "stripped", path)
            content = (work / "stripped").read_bytes()
        for folder in folders:
            if str(folder).encode() in content:
                sys.exit(f"{path.relative_to(prefix)} mentions {folder}")


def check_libraries_found(binary, prefix):
    """Every library is found, OpenVINO's in the installed tree."""
    listing = run("ldd", binary)
    if "not found" in listing:
        sys.exit(f"{binary}: libraries are missing\n{listing}")
    where = re.search(r"libopenvino\.so\S* => (\S+)", listing)
    if not where or prefix.resolve() not in Path(where[1]).resolve().parents:
        sys.exit(f"{binary}: OpenVINO is not that of the installed tree\n{listing}")


def check_answer(printed):
    lines = printed.splitlines()
    boxes = {tuple(round(float(n)) for n in line.split()[:4]) for line in lines[:-1]}
    cells = {(x, y, x + STRIDE, y + STRIDE) for x in range(0, GRID * STRIDE, STRIDE)
             for y in range(0, GRID * STRIDE, STRIDE)}
    if boxes != cells or not all(line.endswith(" cell") for line in lines[:-1]):
        sys.exit(f"expected one object in each of {len(cells)} cells, got:\n{printed}")
    if lines[-1] != f"pipeline {len(cells)}":
        sys.exit(f"expected as many from a pipeline, got: {lines[-1]}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "source", "openvino", "cmake", "generator", "compiler", "strip"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    os.environ.pop("LD_LIBRARY_PATH", None)

    with tempfile.TemporaryDirectory(prefix="osprey-install-") as work:
        work = Path(work)
        run(options.cmake, "--install", options.build, "--prefix", work / "installed")
        prefix = (work / "installed").rename(work / "moved")
        check_no_file_mentions(prefix, [options.build, options.source, options.openvino, work / "installed"],
                               options.strip, work)

        command = prefix / "bin" / "osprey"
        check_libraries_found(command, prefix)
        write_model(work)
        write_picture(work / "black.ppm")
        run(command, "import", work / "grid.cfg", work / "grid.weights", "--names", work / "grid.names",
            "--output", work / "grid.onnx")
        run(command, "detect", work / "black.ppm", "--model", work / "grid.onnx", "--json", work / "grid.jsonl")

        run(options.cmake, "-G", options.generator, "-S", Path(options.source, "tests/packaging/consumer"),
            "-B", work / "consumer", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={options.compiler}")
        run(options.cmake, "--build", work / "consumer")
        consumer = work / "consumer" / "consumer"
        check_libraries_found(consumer, prefix)
        check_answer(run(consumer, work / "grid.onnx", work / "black.ppm"))


if __name__ == "__main__":
    main()
