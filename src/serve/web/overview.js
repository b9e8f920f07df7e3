// SPDX-License-Identifier: Apache-2.0
// All streams at a glance.
import { el, keepInStep, setText, svg } from './dom.js';
import * as format from './format.js';

const kHistory = 90; // seconds of results a second that a card draws

const history = new Map();

export function remember(streams) {
  for (const stream of streams) {
    const values = history.get(stream.name) ?? [];
    values.push(stream.results_fps);
    if (values.length > kHistory) values.shift();
    history.set(stream.name, values);
  }
}

export function sparkline() {
  return svg('svg', { class: 'spark', viewBox: `0 0 ${kHistory - 1} 24`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('path', { class: 'spark-fill' }), svg('polyline', { class: 'spark-line' }));
}

export function drawSparkline(chart, name, declared) {
  const values = history.get(name) ?? [];
  const most = Math.max(declared, ...values, 1) * 1.1;
  const points = values.map((value, i) => `${kHistory - values.length + i},${(23 - 22 * value / most).toFixed(2)}`);
  const left = kHistory - Math.max(values.length, 20); // the first seconds fill more of it
  chart.setAttribute('viewBox', `${left} 0 ${kHistory - 1 - left} 24`);
  chart.lastChild.setAttribute('points', points.join(' '));
  chart.firstChild.setAttribute('d', points.length ? `M${kHistory - values.length},24 L${points.join(' L')} L${kHistory - 1},24 Z` : '');
}

export const kStates = { running: 'Running', connecting: 'Connecting', waiting: 'Waiting to connect again', ended: 'Ended' };
export const isLate = (stream) => stream.state !== 'running';

export function picture(name) {
  return el('canvas', { class: 'picture', width: 960, height: 540, role: 'img', 'aria-label': `Live picture of ${name}` });
}

const fact = (label, name) => el('div', { class: 'fact' }, el('dt', { text: label }), el('dd', { 'data-value': name }));

function make(stream) {
  const link = el('a', { href: `#/stream/${encodeURIComponent(stream.name)}`, class: 'card-link', text: stream.name });
  return el('article', { class: 'card stream' },
    el('div', { class: 'frame' }, picture(stream.name), el('p', { class: 'no-picture' })),
    el('div', { class: 'card-head' }, el('h2', {}, link), el('p', { class: 'state' }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { class: 'state-text' }))),
    el('div', { class: 'rate' }, el('p', { class: 'big' }, el('span', { 'data-value': 'fps' }), el('small', { text: 'fps' })), sparkline()),
    el('dl', { class: 'facts' }, fact('Age, median', 'p50'), fact('99 %', 'p99'), fact('Given up', 'dropped')),
    el('p', { class: 'diagnosis' }));
}

function update(card, stream) {
  const part = (name) => card.querySelector(`[data-value=${name}]`);
  card.dataset.state = stream.state;
  setText(card.querySelector('.state-text'), kStates[stream.state] ?? stream.state);
  setText(card.querySelector('.no-picture'), isLate(stream) ? stream.problem || kStates[stream.state] : '');
  setText(part('fps'), format.fps(stream.results_fps));
  setText(part('p50'), isLate(stream) ? '–' : format.seconds(stream.age_p50));
  setText(part('p99'), isLate(stream) ? '–' : format.seconds(stream.age_p99));
  setText(part('dropped'), format.count(format.total(stream.dropped)));
  setText(card.querySelector('.diagnosis'), stream.diagnosis);
  drawSparkline(card.querySelector('.spark'), stream.name, stream.declared_fps);
}

export function showOverview(status) {
  const grid = document.getElementById('streams');
  keepInStep(grid, status.streams, (stream) => stream.name, make, update);
  const running = status.streams.filter((stream) => !isLate(stream)).length;
  setText(document.getElementById('streams-summary'), `${running} of ${status.streams.length} running`);
  return [...grid.children].filter((card) => card.dataset.state === 'running').map((card) => [card.dataset.key, card.querySelector('canvas')]);
}
