// SPDX-License-Identifier: Apache-2.0
// Live pictures: all streams' over one connection, each drawn on the canvases that show it.

const kBoundaryEnd = new Uint8Array([13, 10, 13, 10]);

function find(bytes, what, from) {
  outer: for (let i = from; i + what.length <= bytes.length; ++i) {
    for (let j = 0; j < what.length; ++j) if (bytes[i + j] !== what[j]) continue outer;
    return i;
  }
  return -1;
}

// Calls take(fields, bytes) for each part of a multipart body, as long as it lasts.
export async function readParts(reader, take) {
  let bytes = new Uint8Array(0);
  for (;;) {
    const end = find(bytes, kBoundaryEnd, 0);
    const fields = end < 0 ? null : new Map(new TextDecoder().decode(bytes.subarray(0, end)).split('\r\n')
      .filter((line) => line.includes(': ')).map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]));
    const size = fields ? Number(fields.get('Content-Length')) : 0;
    if (fields && bytes.length >= end + 4 + size + 2) {
      take(fields, bytes.slice(end + 4, end + 4 + size));
      bytes = bytes.subarray(end + 4 + size + 2);
      continue;
    }
    const { done, value } = await reader.read();
    if (done) return;
    const longer = new Uint8Array(bytes.length + value.length);
    longer.set(bytes);
    longer.set(value, bytes.length);
    bytes = longer;
  }
}

export class LivePictures {
  constructor() {
    this.canvases = new Map(); // stream -> canvas
    this.wanted = '';
    this.abort = null;
    this.drawing = new Set();
    document.addEventListener('visibilitychange', () => this.start());
    // A page that the browser keeps for the way back must not hold connections meanwhile.
    addEventListener('pagehide', () => this.abort?.abort());
    addEventListener('pageshow', (event) => event.persisted && this.start());
  }

  // canvases: [stream, canvas]; width: pixels asked for.
  show(canvases, width) {
    this.canvases = new Map(canvases);
    const streams = [...this.canvases.keys()];
    const wanted = streams.length
      ? `/api/v1/live?streams=${encodeURIComponent(streams.join(','))}&width=${width}&fps=${streams.length > 1 ? 10 : 25}` : '';
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.start();
  }

  async start() {
    this.abort?.abort();
    if (!this.wanted || document.hidden) return;
    const abort = this.abort = new AbortController();
    for (let pause = 500; !abort.signal.aborted; pause = Math.min(pause * 2, 8000)) {
      try {
        const answer = await fetch(this.wanted, { signal: abort.signal });
        if (!answer.ok) throw new Error(answer.statusText);
        await readParts(answer.body.getReader(), (fields, jpeg) => {
          pause = 500;
          this.draw(decodeURIComponent(fields.get('X-Stream')), jpeg);
        });
      } catch { /* the server went away, or this was aborted */ }
      if (!abort.signal.aborted) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async draw(stream, jpeg) {
    const canvas = this.canvases.get(stream);
    if (!canvas || this.drawing.has(stream)) return; // the next one will do
    this.drawing.add(stream);
    try {
      const picture = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      canvas.getContext('2d').drawImage(picture, 0, 0);
      picture.close();
      canvas.dataset.shown = 'yes';
    } catch { /* a damaged picture */ } finally {
      this.drawing.delete(stream);
    }
  }
}
