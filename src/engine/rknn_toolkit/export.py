# SPDX-License-Identifier: Apache-2.0
"""Makes an .rknn file with rknn-toolkit2 and asks its simulator: export.py JOB.json, in an empty folder.

Writes result.json, and of picture k and output j what the simulator gives as k_j.f32. What the toolkit prints is its own.
"""

import json
import sys

import numpy as np
from rknn.api import RKNN


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    toolkit = RKNN(verbose=True)
    toolkit.config(mean_values=[job["mean"]], std_values=[job["std"]], target_platform=job["platform"],
                   custom_string=job["custom_string"],
                   # Would take convolutions before a concatenation out of INT8.
                   disable_rules=["fuse_concat_conv"])
    steps = [("load", lambda: toolkit.load_onnx(job["model"])),
             ("build", lambda: toolkit.build(do_quantization=False)),
             ("export", lambda: toolkit.export_rknn(job["output"])),
             ("simulate", toolkit.init_runtime)]
    for name, step in steps:
        if step() != 0:
            sys.exit(f"rknn-toolkit2 could not {name} the model")
    pictures = np.fromfile(job["pictures"], np.uint8).reshape(-1, job["height"], job["width"], 3)
    shapes = []
    for k, picture in enumerate(pictures):
        answers = toolkit.inference(inputs=[picture[None]], data_format="nhwc")
        shapes = [list(answer.shape) for answer in answers]
        for j, answer in enumerate(answers):
            np.ascontiguousarray(answer, np.float32).tofile(f"{k}_{j}.f32")
    with open("result.json", "w", encoding="utf-8") as file:
        json.dump({"shapes": shapes}, file)
    toolkit.release()


main()
