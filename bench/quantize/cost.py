#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory of osprey quantize by number of pictures, and time and memory with large ones beside plain inference.

    python3 bench/quantize/cost.py [--model yolov8n.onnx] [--shared ../shared]

Run it with the Python of bench/requirements.txt. Large: 130 pictures at 1920x1088, the network without its head. Exit code 1
if a target is missed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from run import options_for, run, without_head

LARGEST_GROWTH = 1.05  # of memory, from the fewest pictures to the most
MOST_MEMORY = 2048     # MB, of large pictures
LONGEST = 2.0          # times plain inference over them


def main():
    parser = options_for(__doc__)
    parser.add_argument("--algorithms", nargs="*", default=["normal", "mmse", "kl_divergence", "percentile"])
    options = parser.parse_args()
    model = options.model or options.shared / "models/yolov8n.onnx"
    pictures = options.shared / "data/coco_calibration/images"
    for needed in (model, pictures):
        if not needed.exists():
            return print(f"skip  {needed} is not there")
    osprey = options.build / "osprey"
    paths = sorted(pictures.iterdir())
    missed = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)

        def listed(count):
            chosen = folder / f"{count}.txt"
            chosen.write_text("".join(f"{paths[i % len(paths)].resolve()}\n" for i in range(count)))
            return chosen

        def quantize(network, count, algorithm):
            return run([osprey, "quantize", network, "--data", listed(count), "--algorithm", algorithm, "-o", folder / "m.onnx",
                        "--quiet"])

        for algorithm in options.algorithms:
            memory = [quantize(model, count, algorithm)[1] for count in (16, 128, 512)]
            print(f"{algorithm:14} {memory[0]:5.0f}, {memory[1]:.0f}, {memory[2]:.0f} MB with 16, 128, 512 pictures")
            if max(memory) > LARGEST_GROWTH * memory[0]:
                missed.append(f"{algorithm}: memory grows")

        import onnx
        subprocess.run([osprey, "quantize", model, "--data", listed(1), "--target", "rk3588", "-o", folder / "split.onnx",
                        "--quiet"], check=True)
        large = folder / "large.onnx"
        without_head(model, folder / "split.onnx", large)
        network = onnx.load(large)
        for value, size in zip(network.graph.input[0].type.tensor_type.shape.dim[2:], (1088, 1920)):
            value.dim_value = size
        del network.graph.value_info[:]
        for output in network.graph.output:
            output.type.tensor_type.shape.ClearField("dim")
        onnx.save(onnx.shape_inference.infer_shapes(network), large)
        (folder / "pictures").mkdir()
        for i in range(130):
            (folder / "pictures" / f"{i:03}.jpg").symlink_to(paths[i % len(paths)].resolve())
        plain, _ = run([osprey, "detect", folder / "pictures", "--model", large, "--quiet", "--json", folder / "found.jsonl"])
        took, memory = quantize(large, 130, "mmse")
        print(f"mmse, 130 pictures at 1920x1088: {took:.1f} s, {memory:.0f} MB; plain inference {plain:.1f} s: {took / plain:.2f} x")
        if memory > MOST_MEMORY or took > LONGEST * plain:
            missed.append(f"large pictures: at most {MOST_MEMORY} MB and {LONGEST} x asked")
    print(*(missed or ["all targets met"]), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
