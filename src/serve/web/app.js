// SPDX-License-Identifier: Apache-2.0
// The dashboard: asks for the status once a second and shows it.
import { ask, send } from './api.js';
import { setText } from './dom.js';
import { Detail } from './detail.js';
import { followEvents } from './events.js';
import * as format from './format.js';
import { LivePictures } from './live.js';
import { showMachine, showRecordings, usePlayer } from './machine.js';
import { remember, showOverview } from './overview.js';
import { useTheme } from './theme.js';

const byId = (id) => document.getElementById(id);
const live = new LivePictures();
let detail = null;
let status = null;

function say(state, text) {
  byId('state').dataset.state = state;
  setText(byId('state-text'), text);
}

function streamOfAddress() {
  const match = location.hash.match(/^#\/stream\/(.+)$/);
  try {
    return match ? decodeURIComponent(match[1]) : null;
  } catch {
    return null;
  }
}

function showPage() {
  const name = streamOfAddress();
  const stream = status?.streams.find((candidate) => candidate.name === name);
  byId('overview').hidden = Boolean(stream);
  byId('detail').hidden = !stream;
  if (!stream) {
    detail = null;
    byId('detail').replaceChildren();
    document.title = 'Osprey';
  } else if (detail?.name !== name) {
    detail = new Detail(name);
    byId('detail').replaceChildren(detail.root);
    document.title = `${name} · Osprey`;
  }
  return stream;
}

const pixels = (width) => Math.ceil(Math.min(width * Math.min(devicePixelRatio, 2), 1920) / 160) * 160;

function show() {
  if (!status) return;
  const stream = showPage();
  showMachine(status);
  setText(byId('device'), status.device);
  setText(byId('uptime'), `up ${format.duration(status.uptime)}`);
  setText(byId('version'), `Osprey ${status.version}`);
  setText(byId('models'), status.models.join(', '));
  const troubled = status.streams.filter((candidate) => candidate.state !== 'running').length;
  if (!status.ready) say('connecting', status.not_ready || 'Starting');
  else if (troubled) say('waiting', `${troubled} not running`);
  else say('running', 'All is well');
  if (stream) {
    detail.update(stream);
    live.show(stream.state === 'running' ? [[stream.name, detail.canvas]] : [], pixels(detail.canvas.clientWidth || 960));
  } else {
    const canvases = showOverview(status);
    live.show(canvases, canvases.length ? pixels(canvases[0][1].clientWidth || 480) : 0);
  }
}

async function followStatus() {
  for (;;) {
    const fresh = await ask('/api/v1/status').catch(() => null);
    if (fresh) {
      status = fresh;
      remember(status.streams);
      show();
    } else {
      say('ended', 'The server cannot be reached');
    }
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? 5000 : 1000));
  }
}

async function followRecordings() {
  for (;;) {
    await showRecordings().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 15000));
  }
}

useTheme(byId('theme'));
usePlayer();
addEventListener('hashchange', () => {
  show();
  scrollTo(0, 0);
  (detail?.root.querySelector('h1') ?? byId('main')).focus();
});
byId('logout').addEventListener('click', async () => {
  await send('POST', '/api/v1/logout', {});
  location.replace('/login');
});
ask('/api/v1/session').then(({ token }) => { byId('logout').hidden = !token; }).catch(() => {});
followStatus();
followRecordings();
followEvents().catch((error) => setText(byId('events-state'), error.message));
