/* SPDX-License-Identifier: Apache-2.0 */
'use strict';
// Draws each table of a section.plot beside it. A row without a value is a
// gap: the line ends before it and begins anew behind it.
(() => {
  const DASHES = {host: [7, 4], other: [2, 3], quota: [10, 3, 2, 3]};
  const drawn = new Map();

  const css = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

  function read(section) {
    const all = [...section.querySelectorAll('.numbers th[data-tone]')];
    const rows = [...section.querySelectorAll('.numbers tbody tr')];
    const starts = rows.map((row) => Number(row.dataset.t));
    const step = starts.length > 1 ? starts[1] - starts[0] : 3600;
    const whole = all.map((_, column) =>
      rows.map((row) => {
        const text = row.children[column + 1].dataset.v;
        return text === undefined ? null : Number(text);
      }));
    // In a stack what is always nothing would be a line on top of others.
    const kept = all.map((_, column) => column).filter((column) =>
      section.dataset.plot !== 'stack' || whole[column].some((one) => one > 0));
    const heads = kept.map((column) => all[column]);
    const values = kept.map((column) => whole[column]);
    const gaps = starts.filter((_, at) => whole.every((list) => list[at] === null));
    // An hour is flat from its begin to its end.
    const twice = (list) => list.flatMap((one) => [one, one]);
    return {
      heads, step, gaps,
      times: starts.flatMap((one) => [one, one + step - 1]),
      values: values.map(twice),
    };
  }

  function stacked(values) {
    const sums = (values[0] || []).map(() => 0);
    return values.map((list) => list.map((one, at) => {
      if (one === null) return null;
      sums[at] += one;
      return sums[at];
    }));
  }

  // Each area has a hatch of its own, for eyes that do not tell its colour.
  function hatch(color, kind) {
    const tile = document.createElement('canvas');
    tile.width = tile.height = 8;
    const pen = tile.getContext('2d');
    pen.globalAlpha = 0.45;
    pen.fillStyle = color;
    pen.fillRect(0, 0, 8, 8);
    pen.globalAlpha = 1;
    pen.strokeStyle = color;
    pen.lineWidth = 1.2;
    pen.beginPath();
    if (kind === 1) { pen.moveTo(0, 8); pen.lineTo(8, 0); }
    if (kind === 2) { pen.moveTo(0, 0); pen.lineTo(8, 8); }
    if (kind === 3) { pen.moveTo(4, 0); pen.lineTo(4, 8); }
    if (kind === 4) { pen.arc(4, 4, 1.2, 0, 7); }
    pen.stroke();
    return pen.createPattern(tile, 'repeat');
  }

  function shown(value) {
    if (value === null || value === undefined) return '–';
    return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, '');
  }

  function moment(seconds) {
    return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
  }

  function options(section, told, width) {
    const isStack = section.dataset.plot === 'stack';
    const axis = {stroke: css('quiet'), grid: {stroke: css('soft'), width: 1}, ticks: {stroke: css('line'), width: 1}, font: '12px system-ui, sans-serif'};
    const series = told.heads.map((head, place) => {
      const color = css(head.dataset.tone);
      const one = {
        label: head.textContent, stroke: color, width: 1.6, points: {show: false},
        value: (u, v, at, index) => shown(index === null ? null : told.values[at - 1][index]),
      };
      if (isStack) one.fill = () => hatch(color, place);
      else one.dash = DASHES[head.dataset.tone];
      return one;
    });
    return {
      width, height: 206,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      cursor: {drag: {x: false, y: false}, points: {size: 6}},
      scales: {y: {range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1]}},
      axes: [{...axis, values: stamps}, {...axis, size: 52, values: (u, list) => list.map(shown)}],
      bands: isStack ? told.heads.slice(1).map((_, at) => ({series: [at + 2, at + 1]})) : [],
      hooks: {drawAxes: [(u) => noData(u, told)]},
      series: [{label: 'from', value: (u, v) => (v === null ? '–' : moment(v - (v % told.step)))}, ...series],
    };
  }

  // What was not measured is hatched, so that nobody takes it for quiet.
  function noData(u, told) {
    if (!told.gaps.length) return;
    const pen = u.ctx;
    pen.save();
    pen.fillStyle = hatch(css('line'), 1);
    const {top, height} = u.bbox;
    for (const start of told.gaps) {
      const left = u.valToPos(start, 'x', true);
      const right = u.valToPos(start + told.step, 'x', true);
      pen.fillRect(left, top, right - left, height);
    }
    pen.restore();
  }

  function stamps(u, list, axis, space, increment) {
    return list.map((one) => {
      const text = moment(one);
      if (increment >= 86400 || text.endsWith('00:00')) return text.slice(5, 10);
      return text.slice(11);
    });
  }

  function draw(section) {
    const box = section.querySelector('.canvas');
    if (!box || !box.clientWidth) return;
    const told = read(section);
    const values = section.dataset.plot === 'stack' ? stacked(told.values) : told.values;
    const data = [told.times, ...values];
    const key = JSON.stringify(data);
    const old = drawn.get(box);
    if (old && old.key === key && old.width === box.clientWidth) return;
    if (old) old.plot.destroy();
    const plot = new uPlot(options(section, told, box.clientWidth), data, box);
    drawn.set(box, {plot, key, width: box.clientWidth});
  }

  function all() {
    for (const box of drawn.keys()) if (!box.isConnected) drawn.delete(box);
    document.querySelectorAll('section.plot').forEach(draw);
  }

  function anew() {
    for (const one of drawn.values()) one.plot.destroy();
    drawn.clear();
    all();
  }

  let waiting = 0;
  addEventListener('resize', () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(all);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', anew);
  document.addEventListener('htmx:after:swap', all);
  document.addEventListener('DOMContentLoaded', all);
})();
