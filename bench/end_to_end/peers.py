#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One contender of run.py: detects in a video and prints {"fps": ...} as its last line.

Loading, compiling and a warm-up are not counted; reading, pre-processing, inference and NMS are.
"""

import argparse
import ast
import contextlib
import json
import tempfile
import time
from pathlib import Path

CONF, IOU = 0.25, 0.45


@contextlib.contextmanager
def openvino_export(onnx_model, precision):
    """A folder as Ultralytics exports it for OpenVINO, of the same graph, for its OpenVINO backend."""
    import onnx
    import openvino as ov
    import yaml

    if precision == "f32":
        # Ultralytics compiles with the runtime's own choice; this is the only way to compare like with like.
        compile_model = ov.Core.compile_model
        ov.Core.compile_model = lambda self, model, device_name=None, config=None: compile_model(
            self, model, device_name, {**(config or {}), "INFERENCE_PRECISION_HINT": "f32"})
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "model_openvino_model"
        exported.mkdir()
        ov.save_model(ov.Core().read_model(onnx_model), exported / "model.xml", compress_to_fp16=False)
        # Strings in ONNX; numbers, booleans and mappings where Ultralytics' own export writes this file.
        metadata = {p.key: ast.literal_eval(p.value) for p in onnx.load(onnx_model).metadata_props
                    if p.key in ("names", "imgsz", "args", "stride", "batch", "channels", "end2end")}
        (exported / "metadata.yaml").write_text(yaml.safe_dump(metadata))
        yield exported


def ultralytics(options):
    """`ultralytics predict`, streaming, with its OpenVINO backend."""
    from ultralytics import YOLO

    with openvino_export(options.model, options.precision) as exported:
        model = YOLO(str(exported), task="detect")
        boxes, count, begun = [], 0, None
        for result in model.predict(options.video, stream=True, conf=CONF, iou=IOU, verbose=False, save=False,
                                    imgsz=640):
            if begun is None:
                begun = time.perf_counter()  # the first one also loads and compiles
            else:
                count += 1
            if options.boxes:
                boxes.append(result.boxes.data.cpu().tolist())
            if options.limit and count >= options.limit:
                break
        return count, time.perf_counter() - begun, boxes


def prepare(frame, size=640):
    import cv2

    height, width = frame.shape[:2]
    gain = min(size / height, size / width)
    new = round(width * gain), round(height * gain)
    if new != (width, height):
        frame = cv2.resize(frame, new, interpolation=cv2.INTER_LINEAR)
    top, left = round((size - new[1]) / 2 - 0.1), round((size - new[0]) / 2 - 0.1)
    return cv2.copyMakeBorder(frame, top, size - new[1] - top, left, size - new[0] - left, cv2.BORDER_CONSTANT,
                              value=(114, 114, 114))


def suppress(output):
    """Boxes, scores and classes of a [84, N] output, as most people write it."""
    import cv2
    import numpy as np

    scores = output[4:].max(0)
    keep = scores > CONF
    scores, labels = scores[keep], output[4:, keep].argmax(0)
    centers, sizes = output[:2, keep].T, output[2:4, keep].T
    boxes = np.concatenate([centers - sizes / 2, sizes], 1)
    return boxes[list(cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), labels.tolist(), CONF, IOU))] if len(
        boxes) else boxes


def async_queue(options):
    """OpenVINO's own way to use all streams from Python."""
    import cv2
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    core = ov.Core()
    model = core.read_model(options.model)
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    steps.input().preprocess().reverse_channels().convert_element_type(ov.Type.f32).scale(255)
    settings = {"PERFORMANCE_HINT": "THROUGHPUT"}
    if options.precision == "f32":
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(steps.build(), "CPU", settings)
    queue = ov.AsyncInferQueue(compiled)
    found = {}
    queue.set_callback(lambda request, index: found.__setitem__(index, suppress(request.get_output_tensor(0).data[0])))
    video = cv2.VideoCapture(str(options.video))
    count, begun = 0, time.perf_counter()
    while True:
        ok, frame = video.read()
        if not ok:
            break
        queue.start_async({0: prepare(frame)[None]}, count)
        count += 1
    queue.wait_all()
    return count, time.perf_counter() - begun, []


def opencv(options):
    import cv2

    net = cv2.dnn.readNetFromONNX(str(options.model))
    video = cv2.VideoCapture(str(options.video))
    count, begun = 0, None
    while True:
        ok, frame = video.read()
        if not ok:
            break
        net.setInput(cv2.dnn.blobFromImage(prepare(frame), 1 / 255, swapRB=True))
        suppress(net.forward()[0])
        if begun is None:
            begun = time.perf_counter()  # the first one also compiles
        else:
            count += 1
    return count, time.perf_counter() - begun, []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=["ultralytics", "async_queue", "opencv"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--video", required=True)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--boxes", action="store_true")
    options = parser.parse_args()
    count, seconds, boxes = globals()[options.peer](options)
    print(json.dumps({"fps": count / seconds, "boxes": boxes} if options.boxes else {"fps": count / seconds}))


if __name__ == "__main__":
    main()
