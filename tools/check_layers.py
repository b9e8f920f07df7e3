#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every file includes only what its folder may, and begins with its licence.

    tools/check_layers.py [root]

Prints one line a violation, "file:line: what was expected", and exits with 1 if there is any.
"""

import os
import re
import sys
from pathlib import Path

# Folder (below src/, or of a program) -> what of ours it may include besides itself, <osprey/...>
# and ALWAYS: folders or single headers. A folder does not stand for the adapters listed below it.
MAY_INCLUDE = {
    "base": [],
    "board": ["base"],
    "core": ["base"],
    "media": ["base", "core"],
    "vision": ["core"],
    "model": ["base", "core"],
    "runtime": ["core", "model"],
    "runtime/openvino": ["base", "core", "model", "runtime"],
    "runtime/rknn": ["base", "core", "model", "runtime"],
    "tiling": ["core", "model"],
    "ensemble": ["base", "core", "tiling"],
    "tracking": ["base", "core", "tiling/polygon.hpp"],
    "pipeline": ["base", "core/time.hpp", "core/frame_id.hpp", "core/usual_duration.hpp"],
    "onnx": ["base", "core"],
    "quantize": ["core", "onnx"],
    "evaluate": ["base", "core", "media"],
    "sinks": ["base", "core", "media", "outbox", "vision"],
    "outbox": ["base", "core"],
    "serve": ["base", "core"],
    "engine": ["*"],
    "live": ["*"],
    "apps": ["engine", "live", "base", "board", "core/packed_image.hpp", "onnx", "onnx/darknet",
             "sim/rk3588/container.hpp", "sim/rk3588/estimate.hpp"],
    "sim": ["runtime/rknn/rknn_abi.h", "model/description.hpp", "core/tensor.hpp"],
    "include": [],
}
ALWAYS = ["base/try.hpp"]
IN_TESTS_BESIDE_CODE = ["tests/support", "sim"]  # in *_test.cpp and *_bench.cpp

# Third-party headers -> who may include them, and only in .cpp files. Tests and benchmarks may use
# any: they are what results are compared with.
THIRD_PARTY = {
    r"opencv2/": ["media", "vision"],
    r"libav|libsw": ["media"],
    r"libyuv": ["media", "vision"],
    r"openvino/": ["runtime/openvino", "sim"],
    r"google/protobuf/|onnx/": ["onnx"],
    r"nlohmann/": ["evaluate", "model", "onnx", "sinks", "outbox", "serve", "engine", "live", "apps", "sim"],
    r"yaml-cpp/": ["evaluate", "model", "engine", "live"],
    r"simdjson": ["evaluate"],
    r"pugixml": ["evaluate"],
    r"CLI/": ["apps"],
    r"httplib\.h|prometheus/": ["serve"],
    r"mosquitto|curl/": ["sinks"],
    r"sqlite3": ["outbox"],
    r"openssl/": ["serve", "outbox"],
}

# Folders that are looked at; those without a place in the tables may include everything.
FOLDERS = ["apps", "bench", "examples", "fuzz", "include", "sim", "src", "tests", "tools"]
SUFFIXES = {".cpp", ".hpp", ".h", ".py"}

INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
LICENCE = re.compile(r"(//|#) SPDX-License-Identifier: Apache-2\.0")


def folder_of(path: Path) -> str:
    """The longest key of MAY_INCLUDE that `path` (relative to the root) lies in, or its first part."""
    parts = path.parts[1:] if path.parts[0] == "src" else path.parts
    prefixes = ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    return next((prefix for prefix in prefixes if prefix in MAY_INCLUDE), parts[0])


def is_comparison(path: Path) -> bool:
    return path.parts[0] in ("tests", "bench") or path.stem.endswith(("_test", "_bench"))


def find_ours(root: Path, path: Path, header: str) -> Path | None:
    """The file of this repository that `header` means, relative to the root."""
    for place in (path.parent, Path("src"), Path("include"), Path()):
        target = Path(os.path.normpath(place / header))
        if (root / target).is_file():
            return target
    return None


def problem_with_ours(path: Path, header: str, target: Path) -> str | None:
    folder, owner = folder_of(path), folder_of(target)
    if folder not in MAY_INCLUDE or owner in (folder, "include") or header in ALWAYS:
        return None
    allowed = MAY_INCLUDE[folder]
    if "*" in allowed or owner in allowed or header in allowed:
        return None
    if is_comparison(path) and any(header.startswith(place) for place in IN_TESTS_BESIDE_CODE):
        return None
    return f"{folder} may include {', '.join(allowed) or 'nothing else'}, not {header}"


def problem_with_third_party(path: Path, header: str) -> str | None:
    if is_comparison(path):
        return None
    for pattern, owners in THIRD_PARTY.items():
        if not re.match(pattern, header):
            continue
        if path.suffix != ".cpp":
            return f"expected <{header}> in .cpp files only"
        if folder_of(path) not in owners:
            return f"expected <{header}> only in {', '.join(owners)}"
    return None


def problems_of(root: Path, path: Path):
    """Yields (line number, what was expected) for a file, `path` relative to the root."""
    lines = (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
    begin = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= begin or not LICENCE.match(lines[begin]):
        yield begin + 1, "expected SPDX-License-Identifier: Apache-2.0"
    if path.suffix == ".py":
        return
    if path.parts[0] == "src" and folder_of(path) not in MAY_INCLUDE:
        yield 1, f"expected a line for this folder in MAY_INCLUDE of {Path(__file__).name}"
    for number, line in enumerate(lines, start=1):
        if match := INCLUDE.match(line):
            header = match.group(1)
            target = find_ours(root, path, header)
            problem = (
                problem_with_ours(path, header, target)
                if target
                else problem_with_third_party(path, header)
            )
            if problem:
                yield number, problem


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = sorted(
        path.relative_to(root)
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in SUFFIXES and path.is_file()
    )
    found = 0
    for path in files:
        for number, problem in problems_of(root, path):
            print(f"{path}:{number}: {problem}")
            found += 1
    if not files:
        print(f"{root}: no source files found")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
