#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of run.py: SAHI and supervision, printing what they took as one line of JSON.

    python3 bench/tiling/peers.py {sahi,sahi_bare,supervision,sahi_parts,supervision_parts,sahi_nmm} ...

All run the same network in OpenVINO. `sahi` does so as its users do, with SAHI's own model for Ultralytics'
OpenVINO backend. `sahi_bare` and `supervision` do it in the cheapest way there is from Python, with the pixels
converted by the runtime, so that nothing is compared but how frames are cut, fed and merged. Loading, compiling
and a warm-up are not counted.
"""

import argparse
import importlib.util
import json
import statistics
import threading
import time
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
TILE, OVERLAP = 640, 0.2
CONF, IOU, MOST = 0.25, 0.45, 300


def letterbox(picture, size):
    """The picture scaled into a grey square as Ultralytics does it; with its scale and place there."""
    height, width = picture.shape[:2]
    gain = min(size / height, size / width)
    across, down = round(width * gain), round(height * gain)
    left, top = round((size - across) / 2 - 0.1), round((size - down) / 2 - 0.1)
    if (across, down) != (width, height):
        picture = cv2.resize(picture, (across, down), interpolation=cv2.INTER_LINEAR)
    if (across, down) != (size, size):
        picture = cv2.copyMakeBorder(picture, top, size - down - top, left, size - across - left,
                                     cv2.BORDER_CONSTANT, value=(114, 114, 114))
    return picture, gain, left, top


class Network:
    """YOLOv8 in OpenVINO: an RGB picture's boxes as rows of x1, y1, x2, y2, confidence and class.

    Any number of threads may call it; each has a request of its own. `spans` are the seconds spent inside
    the runtime, so that a caller can tell its own work from the network's.
    """

    def __init__(self, model, workers=1, precision="f32"):
        import openvino as ov
        from openvino.preprocess import PrePostProcessor

        core = ov.Core()
        steps = PrePostProcessor(core.read_model(model))
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().model().set_layout(ov.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255)
        settings = {"PERFORMANCE_HINT": "LATENCY"} if workers == 1 else {"NUM_STREAMS": workers}
        if precision == "f32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        self.compiled = core.compile_model(steps.build(), "CPU", settings)
        self.size = self.compiled.input(0).shape[1]
        self.mine = threading.local()
        self.spans = []

    def __call__(self, picture):
        padded, gain, left, top = letterbox(picture, self.size)
        if not hasattr(self.mine, "request"):
            self.mine.request = self.compiled.create_infer_request()
        request = self.mine.request
        begun = time.perf_counter()
        request.infer({0: np.ascontiguousarray(padded)[None]}, share_inputs=True)
        self.spans.append(time.perf_counter() - begun)
        output = request.get_output_tensor(0).data[0]
        scores = output[4:].max(0)
        kept = np.flatnonzero(scores > CONF)
        scores, labels = scores[kept], output[4:, kept].argmax(0)
        sizes = output[2:4, kept].T
        corners = output[:2, kept].T - sizes / 2
        best = []
        if len(kept):
            boxes = np.concatenate([corners, sizes], 1)
            best = list(cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), labels.tolist(), CONF, IOU))[:MOST]
        rows = np.empty((len(best), 6), np.float32)
        height, width = picture.shape[:2]
        rows[:, :2] = (corners[best] - (left, top)) / gain
        rows[:, 2:4] = (corners[best] + sizes[best] - (left, top)) / gain
        rows[:, 0:4:2] = rows[:, 0:4:2].clip(0, width)
        rows[:, 1:4:2] = rows[:, 1:4:2].clip(0, height)
        rows[:, 4], rows[:, 5] = scores[best], labels[best]
        return rows


def sahi_object(row, height, width, shift=(0, 0)):
    from sahi.prediction import ObjectPrediction

    return ObjectPrediction(bbox=[float(v) for v in row[:4]], score=float(row[4]), category_id=int(row[5]),
                            category_name=str(int(row[5])), shift_amount=list(shift), full_shape=[height, width])


def sahi_model(network):
    """The network as one of SAHI's models."""
    from sahi.models.base import DetectionModel

    class OpenVinoModel(DetectionModel):
        def load_model(self):
            self.model = network

        def perform_inference(self, image):
            self._original_predictions = self.model(image)

        def _create_object_prediction_list_from_original_predictions(self, shift_amount_list=((0, 0),),
                                                                     full_shape_list=None):
            shift = shift_amount_list[0] if isinstance(shift_amount_list[0], (list, tuple)) else shift_amount_list
            shape = full_shape_list[0] if isinstance(full_shape_list[0], (list, tuple)) else full_shape_list
            self._object_prediction_list_per_image = [
                [sahi_object(row, shape[0], shape[1], shift) for row in self._original_predictions]]

    return OpenVinoModel(device="cpu", confidence_threshold=CONF)


def rows_of_sahi(objects):
    return np.array([[*o.bbox.to_xyxy(), o.score.value, o.category.id] for o in objects]).reshape(-1, 6)


def read_rgb(path):
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: not a readable picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def timed_frames(options, network, work, boxes_of):
    """Median seconds a frame and the part of them that passes outside of the network."""
    picture = read_rgb(options.picture)
    result = work(picture)
    totals, outside = [], []
    for _ in range(options.frames):
        network.spans.clear()
        begun = time.perf_counter()
        result = work(picture)
        totals.append(time.perf_counter() - begun)
        outside.append(max(0.0, 1 - sum(network.spans) / options.workers / totals[-1]))
    return {"seconds": statistics.median(totals), "outside": statistics.median(outside),
            "tiles": len(network.spans), "boxes": boxes_of(result).tolist()}


def sliced(options, model, network):
    """`get_sliced_prediction` with its defaults, which are GREEDYNMM, IOS, 0.5."""
    from sahi.predict import get_sliced_prediction

    def work(picture):
        return get_sliced_prediction(picture, model, TILE, TILE, OVERLAP, OVERLAP, perform_standard_pred=False,
                                     verbose=0).object_prediction_list

    return timed_frames(options, network, work, rows_of_sahi)


def sahi_bare(options):
    network = Network(options.model, 1, options.precision)
    return sliced(options, sahi_model(network), network)


class InsideRuntime:
    """`spans` as Network has them, of whatever code calls OpenVINO in this process."""

    def __init__(self):
        import openvino as ov

        self.spans = []
        infer = ov.InferRequest.infer

        def timed_infer(request, *arguments, **more):
            begun = time.perf_counter()
            result = infer(request, *arguments, **more)
            self.spans.append(time.perf_counter() - begun)
            return result

        ov.InferRequest.infer = timed_infer


def sahi(options):
    from sahi import AutoDetectionModel

    spec = importlib.util.spec_from_file_location("end_to_end_peers", HERE.parent / "end_to_end/peers.py")
    end_to_end = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(end_to_end)
    with end_to_end.openvino_export(options.model, options.precision) as exported:
        model = AutoDetectionModel.from_pretrained("ultralytics", model_path=str(exported), task="detect",
                                                   confidence_threshold=CONF, image_size=TILE, device="cpu")
        return sliced(options, model, InsideRuntime())


def detections_of(rows):
    import supervision as sv

    return sv.Detections(xyxy=rows[:, :4], confidence=rows[:, 4], class_id=rows[:, 5].astype(int))


def supervision(options):
    """`InferenceSlicer` with its defaults, which are NMS, IOU, 0.5, and as many threads as asked."""
    import supervision as sv

    network = Network(options.model, options.workers, options.precision)
    slicer = sv.InferenceSlicer(lambda tile: detections_of(network(tile)), slice_wh=TILE,
                                overlap_wh=int(TILE * OVERLAP), thread_workers=options.workers)
    return timed_frames(options, network, slicer, lambda d: np.column_stack([d.xyxy, d.confidence, d.class_id]))


def made_up_boxes(seed, width, height, tile, objects, most_side, with_frame):
    """Boxes of objects all over a frame, each seen by every tile that it reaches into: rows and their tiles.

    The same recipe as src/tiling/merge_scenes.hpp, so that both sides merge as many boxes as near to each other.
    """
    from sahi.slicing import get_slice_bboxes

    least, jitter = 4.0, 2.0
    random = np.random.default_rng(seed)
    tiles = get_slice_bboxes(height, width, tile, tile, False, OVERLAP, OVERLAP)
    tiles = np.array(tiles + [[0, 0, width, height]] * with_frame, float)
    rows, places = [], []
    for _ in range(objects):
        across = least * (most_side / least) ** random.uniform()
        down = across * random.uniform(0.5, 2)
        x, y = random.uniform(-across / 2, width - across / 2), random.uniform(-down / 2, height - down / 2)
        box = np.array([x, y, x + across, y + down])
        seen = np.minimum(box[2:], tiles[:, 2:]) - np.maximum(box[:2], tiles[:, :2])
        for t in np.flatnonzero((seen >= least / 2).all(1)):
            corners = (box + random.uniform(-jitter, jitter, 4)).clip(tiles[t, [0, 1, 0, 1]], tiles[t, [2, 3, 2, 3]])
            if (corners[:2] <= corners[2:]).all():
                rows.append([*corners, random.uniform(), 0])
                places.append(t)
    order = np.argsort(places, kind="stable")
    return np.array(rows, np.float32)[order], np.array(places)[order], tiles


def hundred_objects(seed):
    return made_up_boxes(seed, 1920, 1080, TILE, 100, 120, False)


def timed(options, prepare, work):
    """Median CPU seconds of the work alone on what `prepare` gives anew each time: steadier than wall time."""
    spans = []
    for i in range(-3, options.frames):
        given = prepare()
        begun = time.process_time()
        result = work(given)
        if i >= 0:
            spans.append(time.process_time() - begun)
    return statistics.median(spans), result


def sahi_parts(options):
    """Cutting a 1920x1080 frame and merging 100 objects' boxes, nothing between."""
    from sahi.postprocess.combine import GreedyNMMPostprocess
    from sahi.slicing import slice_image

    frame = np.zeros((1080, 1920, 3), np.uint8)
    rows, _, _ = hundred_objects(1)
    objects = [sahi_object(row, 1080, 1920) for row in rows]
    merge = GreedyNMMPostprocess(match_threshold=0.5, match_metric="IOS", class_agnostic=False)

    def cut(_):
        return slice_image(frame, slice_height=TILE, slice_width=TILE, overlap_height_ratio=OVERLAP,
                           overlap_width_ratio=OVERLAP).images

    slicing, _ = timed(options, lambda: None, cut)
    merging, merged = timed(options, lambda: list(objects), merge)
    return {"slicing": slicing, "merging": merging, "boxes": len(rows), "merged": len(merged)}


def supervision_parts(options):
    """The same work of `InferenceSlicer`, whose callback has the boxes ready."""
    import supervision as sv

    frame = np.zeros((1080, 1920, 3), np.uint8)
    rows, places, tiles = hundred_objects(1)
    offsets = tiles[:, [0, 1, 0, 1]].astype(np.float32)
    ready = []
    for t in range(len(tiles)):
        mine = rows[places == t]
        mine[:, :4] -= offsets[t]
        ready.append(detections_of(mine))
    position = iter(())
    slicer = sv.InferenceSlicer(lambda tile: ready[next(position)], slice_wh=TILE, overlap_wh=int(TILE * OVERLAP))

    def prepare():
        nonlocal position
        position = iter(range(len(ready)))

    both, merged = timed(options, prepare, lambda _: slicer(frame))
    return {"both": both, "boxes": len(rows), "merged": len(merged)}


def crowded_boxes(boxes):
    """Each box meets about 900 others: the layout of SAHI's own figures, made anew."""
    random = np.random.default_rng(7)
    corners = random.uniform(0, 234, (boxes, 2))
    sides = random.uniform(1, 40, (boxes, 2))
    scores = random.uniform(0, 1, boxes).round(2)
    return np.column_stack([corners, corners + sides, scores, np.zeros(boxes)]).astype(np.float32)


def sahi_nmm(options):
    """NMM of many boxes: which go together alone, and with the merged objects made, as users have it."""
    from sahi.postprocess.combine import NMMPostprocess, batched_nmm

    side = int(60 * 33000 ** 0.5)
    rows, _, _ = made_up_boxes(2, side, side, 1024, 33000 * 2 // 5, 200, True)
    crowd = crowded_boxes(33337)
    batched_nmm(rows[:3000], "IOS", 0.5)  # imports what it needs
    result = {"boxes": len(rows), "crowded boxes": len(crowd)}
    for name, work in {
            "groups": lambda: batched_nmm(rows, "IOS", 0.5),
            "crowded groups": lambda: batched_nmm(crowd, "IOS", 0.5)}.items():
        begun = time.process_time()
        work()
        result[name] = time.process_time() - begun
    objects = [sahi_object(row, side, side) for row in rows]
    begun = time.process_time()
    merged = NMMPostprocess(match_threshold=0.5, match_metric="IOS", class_agnostic=False)(objects)
    return {**result, "objects": time.process_time() - begun, "merged": len(merged)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["sahi", "sahi_bare", "supervision", "sahi_parts", "supervision_parts", "sahi_nmm"])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--frames", type=int, default=5, help="timed, after a first one that is not")
    parser.add_argument("--workers", type=int, default=1, help="threads of supervision")
    options = parser.parse_args()
    print(json.dumps(globals()[options.peer](options)))


if __name__ == "__main__":
    main()
