// SPDX-License-Identifier: Apache-2.0
// What happened, newest first, as it happens.
import { ask } from './api.js';
import { el, setText } from './dom.js';
import * as format from './format.js';

const kMost = 100;
const kTypes = { new: 'came', update: 'changed', end: 'went' };

function row({ number, event }) {
  const object = event.after ?? {};
  const when = format.time(object.frame_time ?? object.end_time ?? object.start_time);
  const zones = (object.current_zones?.length ? object.current_zones : object.entered_zones) ?? [];
  const lines = (event.crossings ?? []).map((crossing) => `${crossing.line} ${crossing.in ? 'in' : 'out'}`);
  const more = [object.camera, ...zones, ...lines, object.top_score ? format.percent(object.top_score) : ''].filter(Boolean);
  const item = el('li', { 'data-type': event.type },
    el('time', { text: Number.isNaN(when.getTime()) ? '' : format.clock(when) }),
    el('div', {}, el('p', { class: 'row-name' }, `${object.label ?? 'object'} `, el('span', { class: 'event-type', text: kTypes[event.type] ?? event.type ?? '' })),
      el('p', { class: 'quiet row-more', text: more.join(' · ') })));
  item.dataset.number = number;
  return item;
}

function add(list, entry) {
  if (list.firstElementChild?.dataset.number >= entry.number) return;
  list.querySelector('.none')?.remove();
  list.prepend(row(entry));
  while (list.children.length > kMost) list.lastElementChild.remove();
}

export async function followEvents() {
  const list = document.getElementById('events');
  const state = document.getElementById('events-state');
  const { events } = await ask('/api/v1/events?limit=50');
  for (const entry of events.reverse()) add(list, entry);
  if (!list.children.length) list.append(el('li', { class: 'quiet none', text: 'None yet.' }));
  let source = null;
  const follow = () => {
    source = new EventSource('/api/v1/events/stream');
    source.onopen = () => setText(state, 'live');
    source.onerror = () => setText(state, 'not live');
    source.onmessage = (message) => add(list, JSON.parse(message.data));
  };
  follow();
  addEventListener('pagehide', () => source.close());
  addEventListener('pageshow', (event) => event.persisted && follow());
}
