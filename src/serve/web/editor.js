// SPDX-License-Identifier: Apache-2.0
// Zones and lines over a picture: drawn, moved and deleted with pointer or keyboard, and saved.
import { ask, send, streamPath } from './api.js';
import { el, keepInStep, setText, svg } from './dom.js';

const kFine = 0.005;
const kCoarse = 0.05;
const kSteps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value) => Math.min(1, Math.max(0, value));
const rounded = (value) => Math.round(value * 10000) / 10000;
const share = (value) => `${Math.round(value * 100)} %`;

export class ShapeEditor {
  constructor(stream, overlay) {
    this.stream = stream;
    this.overlay = overlay;
    this.shapes = [];
    this.saved = '[]';
    this.selected = -1;
    this.drawing = null; // { kind, points, cursor }
    this.editing = false;
    this.size = [16, 9];
    this.buildPanel();
    overlay.addEventListener('pointerdown', (event) => this.pointerDown(event));
    overlay.addEventListener('pointermove', (event) => this.pointerMove(event));
    overlay.addEventListener('keydown', (event) => this.key(event));
    this.load();
  }

  buildPanel() {
    const button = (text, action, kind = 'quiet-button') => el('button', { type: 'button', class: kind, text, onclick: action });
    this.toggle = button('Edit zones and lines', () => this.setEditing(!this.editing));
    this.toggle.setAttribute('aria-expanded', 'false');
    this.hint = el('p', { class: 'hint', role: 'status' });
    this.problem = el('p', { class: 'problem', role: 'alert' });
    this.list = el('ul', { class: 'shapes' });
    this.save = button('Save', () => this.store(), 'main-button');
    this.tools = el('div', { class: 'editor-tools', hidden: true },
      el('div', { class: 'buttons' }, button('New zone', () => this.draw('zone')), button('New line', () => this.draw('line')), button('Revert', () => this.load()), this.save),
      this.problem, this.list);
    this.panel = el('section', { class: 'editor', 'aria-label': 'Zones and lines' }, el('div', { class: 'buttons' }, this.toggle, this.hint), this.tools);
  }

  setSize(width, height) {
    if (this.size[0] === width && this.size[1] === height) return;
    this.size = [width, height];
    this.overlay.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.overlay.parentElement?.style.setProperty('aspect-ratio', `${width} / ${height}`);
    this.render();
  }

  async load() {
    this.drawing = null;
    try {
      this.take((await ask(`${streamPath(this.stream)}/shapes`)).shapes);
      this.say('');
    } catch (error) {
      this.fail(error);
    }
  }

  take(shapes) {
    this.shapes = shapes;
    this.saved = JSON.stringify(shapes);
    this.selected = Math.min(this.selected, shapes.length - 1);
    this.render();
  }

  async store() {
    const unnamed = this.shapes.find((shape) => !shape.name.trim());
    if (unnamed) {
      this.fail(new Error('Every zone and line needs a name'));
      return;
    }
    try {
      this.take((await send('PUT', `${streamPath(this.stream)}/shapes`, { shapes: this.shapes })).shapes);
      this.say('Saved.');
    } catch (error) {
      this.fail(error);
    }
  }

  say(text) {
    setText(this.problem, '');
    setText(this.hint, text);
  }

  fail(error) {
    setText(this.problem, `${error.message}.`);
  }

  setEditing(editing) {
    this.editing = editing;
    this.drawing = null;
    this.tools.hidden = !editing;
    this.toggle.setAttribute('aria-expanded', String(editing));
    setText(this.toggle, editing ? 'Done' : 'Edit zones and lines');
    if (editing && this.selected < 0 && this.shapes.length) this.selected = 0;
    this.say(editing && this.shapes.length ? 'Drag points, or focus one and use the arrow keys. + adds a point, Delete removes it.' : '');
    this.render();
  }

  draw(kind) {
    const number = this.shapes.filter((shape) => shape.kind === kind).length + 1;
    let name = `${kind}-${number}`; // one that the configuration takes
    for (let i = number + 1; this.shapes.some((shape) => shape.name === name); ++i) name = `${kind}-${i}`;
    this.drawing = { kind, name, points: [], cursor: [0.5, 0.5] };
    this.selected = -1;
    this.say(kind === 'zone' ? 'Click the corners; the first point or Enter closes the zone. Keys: arrows move, Space sets a corner, Escape ends.'
      : 'Click both ends. Keys: arrows move, Space sets an end, Escape ends.');
    this.render();
    this.overlay.focus();
  }

  setPoint([x, y]) {
    this.drawing.points.push([rounded(x), rounded(y)]);
    if (this.drawing.kind === 'line' && this.drawing.points.length === 2) this.finish();
    else this.render();
  }

  finish() {
    const { kind, name, points } = this.drawing;
    if (points.length < (kind === 'line' ? 2 : 3)) {
      this.say('A zone has three corners or more.');
      return;
    }
    this.drawing = null;
    this.shapes.push({ name, kind, points, classes: [] });
    this.selected = this.shapes.length - 1;
    this.say(`${name} is drawn. Save keeps it.`);
    this.render();
    this.list.querySelector(`[data-key="${this.selected}"] input`)?.focus();
  }

  place(event) {
    const box = this.overlay.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  pointerDown(event) {
    if (!this.editing || event.button > 0) return;
    const at = this.place(event);
    if (this.drawing) {
      event.preventDefault();
      const [first] = this.drawing.points;
      const [width, height] = this.size;
      const close = first && this.drawing.points.length > 2 && Math.hypot((at[0] - first[0]) * width, (at[1] - first[1]) * height) < width * 0.02;
      if (close) this.finish();
      else this.setPoint(at);
      return;
    }
    const target = event.target.closest('[data-shape]');
    if (!target) return;
    event.preventDefault();
    this.selected = Number(target.dataset.shape);
    const shape = this.shapes[this.selected];
    let index = target.dataset.point === undefined ? -1 : Number(target.dataset.point);
    if (target.dataset.between !== undefined) {
      index = Number(target.dataset.between) + 1;
      shape.points.splice(index, 0, at.map(rounded));
    }
    this.drag = { index, from: at, points: shape.points.map((point) => [...point]) };
    this.overlay.setPointerCapture(event.pointerId);
    const end = () => {
      this.drag = null;
      this.overlay.removeEventListener('pointerup', end);
      this.overlay.removeEventListener('pointercancel', end);
      this.render();
    };
    this.overlay.addEventListener('pointerup', end);
    this.overlay.addEventListener('pointercancel', end);
    this.render();
    if (index >= 0) this.focusPoint(index);
  }

  pointerMove(event) {
    const at = this.place(event);
    if (this.drawing) {
      this.drawing.cursor = at;
      this.render();
    } else if (this.drag) {
      const { index, from, points } = this.drag;
      this.move(index, at[0] - from[0], at[1] - from[1], points);
    }
  }

  // A point, or with -1 all of the selected shape's, from where `points` are.
  move(index, x, y, points = this.shapes[this.selected].points) {
    if (index < 0) {
      x = Math.min(Math.max(x, -Math.min(...points.map((point) => point[0]))), 1 - Math.max(...points.map((point) => point[0])));
      y = Math.min(Math.max(y, -Math.min(...points.map((point) => point[1]))), 1 - Math.max(...points.map((point) => point[1])));
    }
    this.shapes[this.selected].points = points.map((point, i) => (index < 0 || i === index ? [rounded(within(point[0] + x)), rounded(within(point[1] + y))] : point));
    this.render();
  }

  key(event) {
    if (!this.editing) return;
    const step = kSteps[event.key]?.map((value) => value * (event.shiftKey ? kCoarse : kFine));
    if (this.drawing) {
      const { drawing } = this;
      if (step) drawing.cursor = [within(drawing.cursor[0] + step[0]), within(drawing.cursor[1] + step[1])];
      else if (event.key === ' ') this.setPoint(drawing.cursor);
      else if (event.key === 'Enter') this.finish();
      else if (event.key === 'Escape') this.setEditing(true);
      else return;
      event.preventDefault();
      if (this.drawing) this.render();
      return;
    }
    const focused = document.activeElement?.dataset;
    if (focused?.shape === undefined) return;
    const index = focused.point === undefined ? -1 : Number(focused.point);
    const { points, kind } = this.shapes[Number(focused.shape)];
    this.selected = Number(focused.shape);
    if (step) this.move(index, ...step);
    else if ((event.key === 'Delete' || event.key === 'Backspace') && index >= 0 && kind === 'zone' && points.length > 3) {
      points.splice(index, 1);
      this.render();
      this.focusPoint(Math.min(index, points.length - 1));
    } else if (event.key === '+' && index >= 0 && kind === 'zone') {
      const next = points[(index + 1) % points.length];
      points.splice(index + 1, 0, [rounded((points[index][0] + next[0]) / 2), rounded((points[index][1] + next[1]) / 2)]);
      this.render();
      this.focusPoint(index + 1);
    } else return;
    event.preventDefault();
  }

  focusPoint(index) {
    this.overlay.querySelector(`[data-shape="${this.selected}"][data-point="${index}"]`)?.focus();
  }

  remove(index) {
    const [{ name }] = this.shapes.splice(index, 1);
    this.selected = Math.min(this.selected, this.shapes.length - 1);
    this.say(`${name} is removed. Save makes that last.`);
    this.render();
    this.toggle.focus();
  }

  render() {
    const changed = JSON.stringify(this.shapes) !== this.saved;
    this.save.disabled = !changed;
    this.overlay.classList.toggle('editing', this.editing);
    this.overlay.classList.toggle('drawing', Boolean(this.drawing));
    if (this.editing) this.overlay.setAttribute('tabindex', '-1');
    if (this.drawing) this.overlay.setAttribute('aria-label', `Drawing; at ${share(this.drawing.cursor[0])} from the left, ${share(this.drawing.cursor[1])} from the top`);
    else this.overlay.setAttribute('aria-label', 'Zones and lines over the picture');
    const focused = { ...document.activeElement?.dataset };
    const inside = this.overlay.contains(document.activeElement) && focused.shape !== undefined;
    this.overlay.replaceChildren(...this.shapes.flatMap((shape, i) => this.parts(shape, i)), ...(this.drawing ? this.sketch() : []));
    if (inside) {
      const point = focused.point === undefined ? ':not([data-point])' : `[data-point="${focused.point}"]`;
      this.overlay.querySelector(`[data-shape="${focused.shape}"]${point}`)?.focus();
    }
    this.renderList();
  }

  at([x, y]) {
    return [x * this.size[0], y * this.size[1]];
  }

  parts(shape, i) {
    const points = shape.points.map((point) => this.at(point));
    const chosen = this.editing && i === this.selected;
    const area = svg(shape.kind === 'zone' ? 'polygon' : 'polyline', { class: `shape ${shape.kind}${chosen ? ' chosen' : ''}`, points: points.map((point) => point.join(',')).join(' '), 'data-shape': i });
    if (this.editing) {
      area.setAttribute('tabindex', '0');
      area.setAttribute('role', 'button');
      area.setAttribute('aria-label', `${shape.name}, ${shape.kind}: arrow keys move all of it`);
      area.addEventListener('focus', () => {
        if (this.selected === i) return;
        this.selected = i;
        this.render();
      });
    }
    const unit = this.size[0] / 100;
    const middle = shape.kind === 'line' ? [(points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2]
      : points.reduce((top, point) => (point[1] < top[1] ? point : top));
    const parts = [area];
    if (shape.kind === 'line') parts.push(this.arrow(points, middle, unit));
    parts.push(svg('text', { class: 'shape-name', x: Math.min(Math.max(middle[0], unit * 4), this.size[0] - unit * 4), y: Math.max(middle[1] - unit * 1.6, unit * 3), 'font-size': unit * 2.2, text: shape.name }));
    if (!chosen || this.drawing) return parts;
    if (shape.kind === 'zone') {
      points.forEach((point, index) => {
        const next = points[(index + 1) % points.length];
        parts.push(svg('circle', { class: 'between', cx: (point[0] + next[0]) / 2, cy: (point[1] + next[1]) / 2, r: unit * 0.7, 'data-shape': i, 'data-between': index }));
      });
    }
    points.forEach((point, index) => parts.push(svg('circle', { class: 'point', cx: point[0], cy: point[1], r: unit * 1.1, tabindex: 0, role: 'button', 'data-shape': i, 'data-point': index,
      'aria-label': `Point ${index + 1} of ${shape.name}, ${share(shape.points[index][0])} from the left, ${share(shape.points[index][1])} from the top` })));
    return parts;
  }

  // Points to where "in" is: the left, looking from the first point to the second.
  arrow([from, to], middle, unit) {
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const [x, y] = [(to[1] - from[1]) / length, (from[0] - to[0]) / length];
    const tip = [middle[0] + x * unit * 5, middle[1] + y * unit * 5];
    const wing = (side) => [tip[0] - x * unit * 1.6 + side * y * unit, tip[1] - y * unit * 1.6 - side * x * unit].join(',');
    return svg('path', { class: 'arrow', d: `M${middle.join(',')} L${tip.join(',')} M${wing(1)} L${tip.join(',')} L${wing(-1)}` });
  }

  sketch() {
    const unit = this.size[0] / 100;
    const points = this.drawing.points.map((point) => this.at(point));
    const cursor = this.at(this.drawing.cursor);
    return [
      svg('polyline', { class: 'sketch', points: [...points, cursor].map((point) => point.join(',')).join(' ') }),
      ...points.map((point, i) => svg('circle', { class: i ? 'point' : 'point first', cx: point[0], cy: point[1], r: unit })),
      svg('path', { class: 'cursor', d: `M${cursor[0] - unit * 2},${cursor[1]} h${unit * 4} M${cursor[0]},${cursor[1] - unit * 2} v${unit * 4}` })];
  }

  renderList() {
    keepInStep(this.list, this.shapes.map((shape, i) => ({ shape, i })), ({ i }) => i, ({ i }) => {
      const shape = () => this.shapes[i];
      const input = (label, kind, read) => el('label', {}, el('span', { text: label }), el('input', { type: 'text', 'data-kind': kind, autocomplete: 'off', spellcheck: 'false', onfocus: () => this.choose(i), oninput: (event) => {
        read(event.target.value);
        this.render();
      } }));
      return el('li', { class: 'shape-row' }, el('span', { class: 'shape-kind' }),
        input('Name', 'name', (value) => { shape().name = value; }),
        input('Classes', 'classes', (value) => { shape().classes = value.split(',').map((label) => label.trim()).filter(Boolean); }),
        el('div', { class: 'buttons' },
          el('button', { type: 'button', class: 'quiet-button turn', text: 'Turn', onclick: () => { shape().points.reverse(); this.choose(i); this.render(); } }),
          el('button', { type: 'button', class: 'quiet-button danger', 'data-kind': 'delete', text: 'Delete', onclick: () => this.remove(i) })));
    }, (row, { shape, i }) => {
      row.dataset.kind = shape.kind;
      row.classList.toggle('chosen', i === this.selected);
      setText(row.querySelector('.shape-kind'), shape.kind);
      row.querySelector('.turn').hidden = shape.kind !== 'line';
      row.querySelector('.turn').setAttribute('aria-label', `Turn the direction of ${shape.name}`);
      row.querySelector('.danger').setAttribute('aria-label', `Delete ${shape.name}`);
      const name = row.querySelector('[data-kind=name]');
      const classes = row.querySelector('[data-kind=classes]');
      classes.placeholder = 'all';
      if (name !== document.activeElement) name.value = shape.name;
      if (classes !== document.activeElement) classes.value = shape.classes.join(', ');
    });
  }

  choose(index) {
    if (this.selected === index) return;
    this.selected = index;
    this.render();
  }
}
