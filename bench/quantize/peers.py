#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One peer's INT8 model, in a process of its own: bench/quantize/run.py starts it and reads time and memory.

    python3 peers.py nncf|ort MODEL PICTURES COUNT OPTION OUTPUT

OPTION: NNCF's preset (PERFORMANCE, MIXED), ONNX Runtime's calibration (MinMax, Entropy). Prints the seconds without imports.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np


def letterbox(path, side=640):
    """A picture as Ultralytics shows it to a network: [1, 3, side, side], RGB, 0..1."""
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    ratio = min(side / height, side / width)
    new_width, new_height = round(width * ratio), round(height * ratio)
    if (new_width, new_height) != (width, height):
        picture = cv2.resize(picture, (new_width, new_height))
    top, left = (side - new_height) // 2, (side - new_width) // 2
    picture = cv2.copyMakeBorder(picture, top, side - new_height - top, left, side - new_width - left,
                                 cv2.BORDER_CONSTANT, value=(114, 114, 114))
    return np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)[None]).astype(np.float32) / 255


def nncf(model, pictures, preset, output):
    import nncf as tool
    import openvino

    start = time.perf_counter()
    network = openvino.Core().read_model(model)
    made = tool.quantize(network, tool.Dataset(pictures, letterbox), preset=getattr(tool.QuantizationPreset, preset),
                         subset_size=len(pictures))
    openvino.save_model(made, output, compress_to_fp16=False)
    return time.perf_counter() - start


def ort(model, pictures, method, output):
    from onnxruntime import InferenceSession, quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter(pictures)
            self.name = InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name

        def get_next(self):
            path = next(self.left, None)
            return None if path is None else {self.name: letterbox(path)}

    start = time.perf_counter()
    quantization.quantize_static(model, output, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                                 calibrate_method=getattr(quantization.CalibrationMethod, method),
                                 nodes_to_exclude=head(model))
    return time.perf_counter() - start


def head(model):
    """What follows the last convolutions: in INT8, boxes and scores would share a scale, and no score be left."""
    import onnx

    return [n.name for n in onnx.load(model).graph.node if n.name.startswith("/model.22/") and "/conv/" not in n.name
            and "/act/" not in n.name and not n.name.endswith(".2/Conv")] + ["/model.22/dfl/conv/Conv"]


if __name__ == "__main__":
    tool, model, pictures, count, option, output = sys.argv[1:]
    chosen = sorted(Path(pictures).glob("*.jpg"))[:int(count)]
    print("seconds", {"nncf": nncf, "ort": ort}[tool](model, chosen, option, output))
