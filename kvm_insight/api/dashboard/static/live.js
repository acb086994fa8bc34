/* SPDX-License-Identifier: Apache-2.0 */
'use strict';
// What htmx does not do by itself: it asks with the ETag and not at all while
// nobody looks, tells in words what changed, and lets arrow keys walk the map.
(() => {
  const state = () => document.getElementById('live-state');
  const live = () => document.getElementById('live');
  let etag = null;
  let said = null;
  let failed = false;

  function announce(text) {
    document.getElementById('announce').textContent = text;
  }

  function tell(text, isBad) {
    const line = state();
    if (!line) return;
    line.hidden = false;
    line.textContent = text;
    line.classList.toggle('bad', isBad);
  }

  function now() {
    return new Date().toISOString().slice(11, 19);
  }

  document.addEventListener('htmx:before:request', (event) => {
    if (document.hidden) {
      event.preventDefault();
      return;
    }
    const request = event.detail.ctx.request;
    request.cache = 'no-store';
    if (etag) request.headers['If-None-Match'] = etag;
  });

  document.addEventListener('htmx:before:response', (event) => {
    const answer = event.detail.ctx.response.raw;
    if (answer.redirected && new URL(answer.url).pathname === '/login') {
      event.preventDefault();
      location.assign(answer.url);
      return;
    }
    if (answer.status === 200 || answer.status === 304) {
      if (answer.status === 200) etag = answer.headers.get('ETag');
      if (failed) announce('The page is updated again.');
      failed = false;
      tell('Up to date at ' + now(), false);
    } else {
      event.preventDefault();
      fail();
    }
  });

  function fail() {
    if (!failed) announce('The page is not updated any more.');
    failed = true;
    tell('Not up to date since ' + now() + ': the service does not answer. It is asked again.', true);
  }

  document.addEventListener('htmx:error', (event) => {
    if (event.detail.ctx && event.detail.ctx.sourceElement === live()) fail();
  });

  document.addEventListener('htmx:after:swap', () => {
    maps();
    const words = live() ? live().dataset.said : null;
    if (words !== said) announce('Updated: ' + words);
    said = words;
  });

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && live()) htmx.trigger(live(), 'poll');
  });

  // Of a map only one host is a stop of the tab key.
  function maps() {
    document.querySelectorAll('[data-map]').forEach((map) => {
      const cells = [...map.querySelectorAll('a')];
      const chosen = cells.find((one) => one.tabIndex === 0 && one.hasAttribute('tabindex')) || cells[0];
      for (const one of cells) one.tabIndex = one === chosen ? 0 : -1;
    });
  }

  function steps(map, cells, key) {
    const top = cells[0].offsetTop;
    const wide = cells.findIndex((one) => one.offsetTop !== top);
    const across = wide < 0 ? cells.length : wide;
    return {ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across,
      Home: -cells.length, End: cells.length}[key];
  }

  document.addEventListener('keydown', (event) => {
    const map = event.target.closest && event.target.closest('[data-map]');
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    const cells = [...map.querySelectorAll('a')];
    const step = steps(map, cells, event.key);
    if (step === undefined) return;
    event.preventDefault();
    const at = cells.indexOf(event.target);
    const to = cells[Math.max(0, Math.min(cells.length - 1, at + step))];
    event.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });

  document.addEventListener('DOMContentLoaded', () => {
    said = live() ? live().dataset.said : null;
    maps();
  });
})();
