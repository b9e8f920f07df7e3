// SPDX-License-Identifier: Apache-2.0
// One stream: its picture, rates, counts, and its zones and lines.
import { el, keepInStep, setText, svg } from './dom.js';
import { ShapeEditor } from './editor.js';
import * as format from './format.js';
import { drawSparkline, isLate, kStates, picture, sparkline } from './overview.js';

const kRates = [['declared_fps', 'Declared'], ['delivered_fps', 'Delivered'], ['decoded_fps', 'Decoded'], ['results_fps', 'Results']];

function makeRate([key, label]) {
  return el('div', { class: 'step', 'data-rate': key },
    el('span', { class: 'step-name', text: label }),
    el('div', { class: 'meter', 'aria-hidden': 'true' }, el('div', { class: 'meter-fill' })), el('span', { class: 'step-value' }));
}

function ageChart() {
  return el('figure', { class: 'chart' }, el('figcaption', { class: 'quiet', text: 'Frame age' }), svg('svg', { class: 'bars', viewBox: '0 0 100 40', preserveAspectRatio: 'none', role: 'img' }), el('div', { class: 'axis quiet' }));
}

function updateAge(chart, age) {
  const most = Math.max(1, ...age.counts);
  const all = Math.max(1, age.counts.reduce((sum, value) => sum + value, 0));
  const step = 100 / Math.max(1, age.counts.length);
  const bars = chart.querySelector('svg');
  bars.replaceChildren(...age.counts.map((value, i) => {
    const height = value ? Math.max(38 * value / most, 0.8) : 0;
    return svg('rect', { x: i * step + 0.6, width: Math.max(step - 1.2, 0.5), y: 40 - height, height },
      svg('title', { text: `${i < age.bounds.length ? `up to ${format.seconds(age.bounds[i])}` : `longer`}: ${format.percent(value / all)}` }));
  }));
  bars.setAttribute('aria-label', age.counts.map((value, i) => `${i < age.bounds.length ? `up to ${format.seconds(age.bounds[i])}` : 'longer'} ${format.percent(value / all)}`).join(', '));
  const axis = chart.querySelector('.axis');
  const ends = [age.bounds[0], age.bounds[Math.floor(age.bounds.length / 2)], age.bounds[age.bounds.length - 1]].filter((value) => value !== undefined);
  keepInStep(axis, ends, (value) => value, (value) => el('span', { text: format.seconds(value) }), () => {});
}

const rows = (object, name = format.words) => Object.entries(object).map(([key, value]) => [name(key), format.count(value)]);

function table(element, items) {
  keepInStep(element, items, ([name]) => name, ([name]) => el('div', {}, el('dt', { text: name }), el('dd')), (line, [, value]) => setText(line.lastChild, value));
}

const labels = (counts) => rows(counts, (label) => label).map(([label, value]) => `${value} ${label}`).join(', ') || 'none';

export class Detail {
  constructor(name) {
    this.name = name;
    this.canvas = picture(name);
    this.overlay = svg('svg', { class: 'overlay' });
    this.editor = new ShapeEditor(name, this.overlay);
    this.spark = sparkline();
    this.age = ageChart();
    this.root = el('div', { class: 'detail' },
      el('nav', { 'aria-label': 'Way back' }, el('a', { href: '#/', class: 'back', text: '← All streams' })),
      el('div', { class: 'section-head' }, el('h1', { text: name, tabindex: -1 }), el('p', { class: 'state' }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { class: 'state-text' })), el('p', { class: 'quiet source' })),
      el('p', { class: 'diagnosis large', role: 'status' }),
      el('div', { class: 'frame large' }, this.canvas, this.overlay, el('p', { class: 'no-picture' })),
      el('p', { class: 'quiet hls', hidden: true }, 'For players: ', el('a', { text: 'the annotated stream as HLS' })),
      this.editor.panel,
      el('div', { class: 'panels' },
        el('section', { class: 'card panel', 'aria-label': 'Rates' }, el('h2', { text: 'Frames a second' }), ...kRates.map(makeRate), this.spark),
        el('section', { class: 'card panel', 'aria-label': 'Age' }, el('h2', { text: 'From capture to result' }), el('dl', { class: 'facts ages' }, ...['median', '99 %'].map((label) => el('div', { class: 'fact' }, el('dt', { text: label }), el('dd')))), this.age),
        el('section', { class: 'card panel', 'aria-label': 'Frames' }, el('h2', { text: 'Frames' }), el('dl', { class: 'table frames' })),
        el('section', { class: 'card panel', 'aria-label': 'Given up, by reason' }, el('h2', { text: 'Given up' }), el('dl', { class: 'table drops' }), el('p', { class: 'quiet nothing' })),
        el('section', { class: 'card panel', 'aria-label': 'Counts' }, el('h2', { text: 'Counts' }), el('div', { class: 'counts' }), el('p', { class: 'quiet nothing-counted' }))));
  }

  update(stream) {
    const find = (selector) => this.root.querySelector(selector);
    this.root.dataset.state = stream.state;
    setText(find('.state-text'), kStates[stream.state] ?? stream.state);
    setText(find('.source'), [stream.source, stream.width ? `${stream.width} × ${stream.height}` : '', stream.decoder].filter(Boolean).join(' · '));
    setText(find('.diagnosis'), stream.diagnosis);
    setText(find('.no-picture'), isLate(stream) ? stream.problem || kStates[stream.state] : '');
    find('.hls').hidden = !stream.hls;
    find('.hls a').href = stream.hls;
    if (stream.width && stream.height) this.editor.setSize(stream.width, stream.height);
    const most = Math.max(1, ...kRates.map(([key]) => stream[key]));
    for (const [key] of kRates) {
      const step = find(`[data-rate=${key}]`);
      step.querySelector('.meter-fill').style.inlineSize = `${100 * stream[key] / most}%`;
      setText(step.querySelector('.step-value'), format.fps(stream[key]));
    }
    drawSparkline(this.spark, stream.name, stream.declared_fps);
    const [p50, p99] = this.root.querySelectorAll('.ages dd');
    setText(p50, format.seconds(stream.age_p50));
    setText(p99, format.seconds(stream.age_p99));
    updateAge(this.age, stream.age);
    table(find('.frames'), rows({ captured: stream.captured, delivered: stream.delivered, given_up: format.total(stream.dropped), failed: stream.failed, on_their_way: stream.in_flight, damaged: stream.damaged, reconnects: stream.reconnects }));
    table(find('.drops'), rows(stream.dropped));
    setText(find('.nothing'), format.total(stream.dropped) ? '' : 'Nothing.');
    const counted = [
      ...stream.zones.map((zone) => [zone.name, `now ${labels(zone.inside)}; so far ${labels(zone.entered)}${zone.longest_dwell ? `; longest there ${format.seconds(zone.longest_dwell)}` : ''}`]),
      ...stream.lines.map((line) => [line.name, `in ${labels(line.in)}; out ${labels(line.out)}`])];
    keepInStep(find('.counts'), counted, ([name]) => name, ([name]) => el('div', { class: 'counted' }, el('h3', { text: name }), el('p', { class: 'quiet' })), (line, [, text]) => setText(line.lastChild, text));
    setText(find('.nothing-counted'), counted.length ? '' : 'Zones and lines, once drawn, are counted here.');
  }
}
