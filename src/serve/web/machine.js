// SPDX-License-Identifier: Apache-2.0
// Lanes, sinks and recordings.
import { ask } from './api.js';
import { el, keepInStep, setText } from './dom.js';
import * as format from './format.js';

function makeLane(lane) {
  return el('div', { class: 'lane' },
    el('div', { class: 'lane-head' }, el('span', { class: 'lane-name', text: lane.name }), el('span', { class: 'lane-load' })),
    el('div', { class: 'meter', role: 'meter', 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-label': `Load of ${lane.name}` }, el('div', { class: 'meter-fill' })),
    el('p', { class: 'quiet lane-more' }));
}

function updateLane(row, lane) {
  const meter = row.querySelector('.meter');
  setText(row.querySelector('.lane-load'), format.percent(lane.load));
  meter.setAttribute('aria-valuenow', Math.round(lane.load * 100));
  meter.firstChild.style.inlineSize = `${Math.min(lane.load, 1) * 100}%`;
  meter.dataset.full = lane.load > 0.9 ? 'yes' : 'no';
  const faults = lane.faults ? `, ${format.count(lane.faults)} ${lane.faults === 1 ? 'fault' : 'faults'}: ${lane.last_fault}` : '';
  setText(row.querySelector('.lane-more'), `${format.count(lane.jobs)} jobs${faults}`);
}

function makeSink(sink) {
  return el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('div', {}, el('p', { class: 'row-name', text: sink.name }), el('p', { class: 'quiet row-more' })));
}

function updateSink(row, sink) {
  row.dataset.state = sink.connected ? 'running' : 'waiting';
  const parts = [sink.problem || (sink.connected ? 'Connected' : 'Not connected'), `${format.count(sink.delivered)} delivered`];
  if (sink.waiting) parts.push(`${format.count(sink.waiting)} waiting`);
  if (sink.discarded) parts.push(`${format.count(sink.discarded)} discarded`);
  setText(row.querySelector('.row-more'), parts.join(' · '));
}

function mean(distribution) {
  const jobs = distribution.counts.reduce((sum, value) => sum + value, 0);
  return jobs ? distribution.sum / jobs : 0;
}

const none = (list, text) => {
  if (!list.children.length) list.append(el('li', { class: 'quiet none', text }));
  else if (list.children.length > 1) list.querySelector('.none')?.remove();
};

export function showMachine(status) {
  keepInStep(document.getElementById('lanes'), status.lanes, (lane) => lane.name, makeLane, updateLane);
  const inference = mean(status.inference);
  setText(document.getElementById('inference'), inference ? `${format.seconds(inference)} an inference` : '');
  const sinks = document.getElementById('sinks');
  keepInStep(sinks, status.sinks, (sink) => sink.name, makeSink, updateSink);
  none(sinks, 'None.');
}

export async function showRecordings() {
  const list = document.getElementById('recordings');
  const player = document.getElementById('player');
  const { recordings } = await ask('/api/v1/recordings');
  keepInStep(list, recordings.slice(0, 30), (recording) => recording.name, (recording) => el('li', {},
    el('div', {}, el('button', { type: 'button', class: 'link-button row-name', text: recording.camera || recording.name, onclick: () => {
      const path = `/recordings/${encodeURIComponent(recording.name)}`;
      setText(document.getElementById('player-title'), recording.name);
      document.getElementById('player-video').src = path;
      document.getElementById('player-file').href = path;
      player.showModal();
      document.getElementById('player-video').play().catch(() => {}); // a browser may want another click
    } }), el('p', { class: 'quiet row-more' }))), (row, recording) => {
    setText(row.querySelector('.row-more'), `${format.day(new Date(recording.begin))} · ${format.bytes(recording.bytes)}`);
  });
  none(list, 'None yet.');
}

export function usePlayer() {
  const player = document.getElementById('player');
  document.getElementById('player-close').addEventListener('click', () => player.close());
  player.addEventListener('close', () => document.getElementById('player-video').removeAttribute('src'));
}
