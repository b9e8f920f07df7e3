# SPDX-License-Identifier: Apache-2.0
"""pycocotools' evaluation of boxes, for the benchmarks that compare with it."""
import contextlib
import io


def evaluation(labels, detections):
    """The finished COCOeval, with nothing printed. `labels`: a file, its content, or a COCO; `detections`: a file or a list."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(labels, dict):
            truth = COCO()
            truth.dataset = labels
            truth.createIndex()
        else:
            truth = labels if isinstance(labels, COCO) else COCO(str(labels))
        made = COCOeval(truth, truth.loadRes(detections if isinstance(detections, list) else str(detections)), "bbox")
        made.evaluate()
        made.accumulate()
        made.summarize()
    return made
