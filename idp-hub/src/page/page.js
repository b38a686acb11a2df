// The overview: signs in, follows the hub's events, and shows what they say.

import { WORDS, reasonOf } from './words.js';

const API = '/api/v1';
const STATES = ['unreachable', 'degraded', 'connecting', 'healthy'];
const COLUMNS = ['name', 'state', 'why', 'since', 'servers', 'compute', 'memory', 'storage', 'data'];
const SHAPES = {
  healthy: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1m3.6 5.3-4.3 4.9-3-2.7 1-1.1 1.9 1.7 3.3-3.8z',
  degraded: 'M8 1.2 15.6 14.5H.4zM7.2 6v4.4h1.6V6zm0 5.6v1.6h1.6v-1.6z',
  unreachable: 'M1 1h14v14H1zm3.5 4.6L6.9 8l-2.4 2.4 1.1 1.1L8 9.1l2.4 2.4 1.1-1.1L9.1 8l2.4-2.4-1.1-1.1L8 6.9 5.6 4.5z',
  connecting: 'M8 1a7 7 0 0 1 7 7h-2.2A4.8 4.8 0 0 0 8 3.2zM1 8h2.2A4.8 4.8 0 0 0 8 12.8V15a7 7 0 0 1-7-7',
};
// Rows in the table at a time: a browser's comfort, not a limit of the hub.
const ROWS_MAX = 300;
// The hub says something each 5 s. After so long without a word it is lost, though nothing was
// closed: a hub that stands still, or whose machine is gone, closes nothing. Milliseconds.
const SILENCE_MAX = 20000;
// How long an attempt to reach it again may take, and the pause after one that failed.
const ATTEMPT_MAX = 15000;
const ATTEMPT_PAUSE = 5000;

const regions = new Map();
const rows = new Map();
let overview = null;
let source = null;
let lost = false;
let heard = clocks(); // When the hub last said something.
let tried = clocks(); // When the page last turned to it.
let hubAhead = 0; // The hub's clock less this one's, milliseconds.
let account = null;
let drawing = false;
let language = chosenLanguage();

const byId = (id) => document.getElementById(id);
const word = (key) => WORDS[language][key];

function chosenLanguage() {
  try {
    const kept = localStorage.getItem('language');
    if (kept in WORDS) return kept;
  } catch { /* Without storage the browser's language is taken each time. */ }
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function clocks() {
  return { wall: Date.now(), even: performance.now() };
}

// Milliseconds. One clock may be set back, and the other stands still while the machine sleeps.
function since(moment) {
  const now = clocks();
  return Math.max(now.wall - moment.wall, now.even - moment.even);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function stateMark(state) {
  const space = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(space, 'svg');
  icon.setAttribute('viewBox', '0 0 16 16');
  icon.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(space, 'path');
  shape.setAttribute('d', SHAPES[state] ?? SHAPES.connecting);
  shape.setAttribute('fill', 'currentColor');
  shape.setAttribute('fill-rule', 'evenodd');
  icon.append(shape);
  return element('span', { class: `state ${state}` }, icon, word(state) ?? state);
}

const number = (value) => new Intl.NumberFormat(language).format(value);

// Binary units; the hub's figures are in MiB or GiB.
function size(mib) {
  const units = ['MiB', 'GiB', 'TiB', 'PiB'];
  let value = mib;
  while (value >= 1024 && units.length > 1) { value /= 1024; units.shift(); }
  const digits = value < 10 && value % 1 ? 1 : 0;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[0]}`;
}

const gib = (value) => size(value * 1024);

// How long ago a time of the hub's was, at a moment of this clock.
function age(time, moment = Date.now()) {
  return duration(moment + hubAhead - Date.parse(time));
}

function duration(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  const steps = [[120, 1, 0], [7200, 60, 1], [172800, 3600, 2], [Infinity, 86400, 3]];
  const [, length, unit] = steps.find(([below]) => seconds < below);
  return `${Math.floor(seconds / length)} ${word('units')[unit]}`;
}

// What is not known is null, which zero is not; of what is lacking there may be more.
function figure(value, lacking, show = number) {
  if (value === null) return word('unknown');
  return lacking ? word('atLeast')(show(value)) : show(value);
}

function usage(used, total, lacking, show) {
  if (total === null) return word('unknown');
  return total ? word('of')(show(used), figure(total, lacking, show)) : word('untold');
}

// A line below a sum: of how many regions not all is known that belongs to it.
function lackingNote(count) {
  return count ? [element('small', { class: 'lacking' }, word('lacking')(count, number(count)))] : [];
}

function bar(label, used, total, lacking, show) {
  const text = usage(used, total, lacking, show);
  const tile = element('li', {}, element('small', {}, label), element('b', {}, total ? share(used, total) : '–'));
  if (total) {
    const meter = element('progress', { max: total, value: Math.min(used, total), 'aria-label': label });
    if (used >= 0.85 * total) meter.classList.add('full');
    tile.append(meter);
  }
  tile.append(element('small', {}, text), ...lackingNote(lacking));
  return tile;
}

const share = (used, total) => new Intl.NumberFormat(language, { style: 'percent' }).format(used / total);

function drawStates() {
  const tile = (mark, count) => element('li', {}, mark, element('b', {}, number(count)));
  const all = element('span', { class: 'state' }, word('all'));
  byId('states').replaceChildren(
    tile(all, overview.regions),
    ...STATES.map((state) => tile(stateMark(state), overview.states[state])).reverse(),
  );
}

function drawTotals() {
  const { totals: it, lacking } = overview;
  const servers = element('li', {}, element('small', {}, word('servers')),
    element('b', {}, figure(it.servers, lacking.servers)));
  if (it.servers !== null) {
    const parts = [['running', it.servers_running], ['stopped', it.servers_stopped], ['other', it.servers_other]];
    const text = parts.map(([name, count]) => `${word(name)} ${number(count)}`).join(' · ');
    servers.append(element('small', {}, text));
  }
  servers.append(...lackingNote(lacking.servers));
  byId('totals').replaceChildren(
    servers,
    bar(`${word('compute')} (${word('vcpus')})`, it.vcpus_used, it.vcpus_total, lacking.nodes, number),
    bar(word('memory'), it.memory_used_mib, it.memory_total_mib, lacking.nodes, size),
    bar(word('storage'), it.storage_used_gib, it.storage_total_gib, lacking.volumes, gib),
    bar(word('disk'), it.disk_used_gib, it.disk_total_gib, lacking.nodes, gib),
    bar(word('addresses'), it.addresses_used, it.addresses_total, lacking.networks, number),
  );
}

function drawRow(region) {
  const it = region.totals;
  const [reason, step] = reasonOf(language, region);
  const why = element('td', { class: 'why', 'data-label': word('why') });
  if (reason) {
    const box = element('div', {}, reason);
    for (const line of [region.detail, step]) {
      if (line) box.append(element('span', { class: 'dim' }, line));
    }
    why.append(box);
  } else {
    why.removeAttribute('data-label');
  }
  const cell = (key, ...content) => element('td', { 'data-label': word(key) }, element('div', {}, ...content));
  const lacks = (figures) => region.lacking.includes(figures);
  const servers = [figure(it.servers, lacks('servers'))];
  if (it.servers !== null) {
    servers.push(element('span', { class: 'dim' }, `${word('running')} ${number(it.servers_running)}`));
  }
  const cells = [
    element('th', { scope: 'row' }, region.name,
      element('span', { class: 'dim' }, region.cloud.kind)),
    cell('state', stateMark(region.state)),
    why,
    cell('since', element('span', { 'data-since': region.since })),
    cell('servers', ...servers),
    cell('compute', usage(it.vcpus_used, it.vcpus_total, lacks('nodes'), number)),
    cell('memory', usage(it.memory_used_mib, it.memory_total_mib, lacks('nodes'), size)),
    cell('storage', usage(it.storage_used_gib, it.storage_total_gib, lacks('volumes'), gib)),
    cell('data', element('span', { 'data-ago': region.data_from ?? '' })),
  ];
  return element('tr', {}, ...cells);
}

// The worst first, then by name.
function ordered() {
  const wanted = byId('filter').value.trim().toLowerCase();
  const rank = (region) => STATES.indexOf(region.state);
  return [...regions.values()]
    .filter((region) => region.name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, language));
}

function drawList() {
  byId('columns').replaceChildren(...COLUMNS.map((key) => element('th', { scope: 'col' }, word(key))));
  const all = ordered();
  const shown = all.slice(0, ROWS_MAX);
  const kept = new Set();
  const drawn = shown.map((region) => {
    const signature = language + JSON.stringify(region);
    const known = rows.get(region.id);
    kept.add(region.id);
    if (known?.signature === signature) return known.row;
    const row = drawRow(region);
    rows.set(region.id, { signature, row });
    return row;
  });
  for (const id of rows.keys()) if (!kept.has(id)) rows.delete(id);
  if (!drawn.length) {
    const text = regions.size ? word('noMatch') : word('none');
    drawn.push(element('tr', { class: 'empty' }, element('td', { colspan: COLUMNS.length }, text)));
  }
  const list = byId('list');
  const same = list.children.length === drawn.length && drawn.every((row, place) => list.children[place] === row);
  if (!same) list.replaceChildren(...drawn);
  byId('more').hidden = all.length <= shown.length;
  byId('more').textContent = word('more')(number(all.length - shown.length));
}

function drawAges() {
  // How long a state has lasted is known up to the hub's last word only.
  const known = lost ? heard.wall : Date.now();
  for (const span of document.querySelectorAll('[data-since]')) {
    const text = age(span.dataset.since, known);
    if (span.textContent !== text) span.textContent = text;
  }
  for (const span of document.querySelectorAll('[data-ago]')) {
    const text = span.dataset.ago ? word('ago')(age(span.dataset.ago)) : word('never');
    if (span.textContent !== text) span.textContent = text;
  }
}

function drawFrame() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const place of document.querySelectorAll('[data-word]')) place.textContent = word(place.dataset.word);
  for (const place of document.querySelectorAll('[data-placeholder]')) {
    place.placeholder = word(place.dataset.placeholder);
    place.setAttribute('aria-label', place.placeholder);
  }
  const other = language === 'zh' ? 'en' : 'zh';
  byId('language').textContent = other === 'zh' ? '中文' : 'English';
  byId('language').lang = other;
  byId('where').textContent = account ? `${account.hub_address} · ${fullName()}` : '';
}

// A user of the directory with his department.
function fullName() {
  const department = account.department;
  return department ? `${department.name}/${account.account}` : account.account;
}

function drawConnection() {
  byId('connection').hidden = !lost;
  byId('overview').classList.toggle('stale', lost);
  // The age changes each second, so it stands outside of what is read aloud when it changes.
  const text = lost ? word('lost') : '';
  if (byId('lost').textContent !== text) byId('lost').textContent = text;
  byId('lost-age').textContent = lost ? word('old')(duration(since(heard))) : '';
}

function draw() {
  drawing = false;
  drawFrame();
  drawConnection();
  if (!overview) return;
  drawStates();
  drawTotals();
  drawList();
  drawAges();
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function show(signedIn) {
  const all = signedIn && account.cloud_administrator;
  byId('sign-in').hidden = signedIn;
  byId('overview').hidden = !all;
  byId('nothing').hidden = !signedIn || all;
  byId('sign-out').hidden = !signedIn;
  drawSoon();
}

function follow() {
  source?.close();
  source = new EventSource(`${API}/events`);
  tried = clocks();
  const on = (name, take) => source.addEventListener(name, (event) => {
    lost = false;
    heard = clocks();
    take(JSON.parse(event.data));
    drawSoon();
  });
  on('reset', () => regions.clear());
  on('overview', (told) => {
    overview = told;
    hubAhead = Date.parse(told.now) - Date.now();
  });
  on('regions', ({ changed, removed }) => {
    for (const region of changed) regions.set(region.id, region);
    for (const id of removed) regions.delete(id);
  });
  on('alive', () => {});
  on('signed-out', () => leave('over'));
  source.onerror = broken;
}

async function broken() {
  lost = true;
  tried = clocks();
  drawSoon();
  if (source?.readyState !== EventSource.CLOSED) return;
  // The browser has given up: the session is over, or the hub had no room. Otherwise `watch` goes
  // on.
  const answer = await fetch(`${API}/session`).catch(() => null);
  if (answer?.status === 401) leave('over');
}

// Each second: whether the hub is still heard, and if not, whether it is time to try again.
function watch() {
  if (!source) return;
  if (since(heard) > SILENCE_MAX) lost = true;
  const patience = source.readyState === EventSource.CLOSED ? ATTEMPT_PAUSE : ATTEMPT_MAX;
  if (lost && since(tried) > patience) follow();
  drawConnection();
  if (overview) drawAges();
}

function leave(reason) {
  source?.close();
  source = account = overview = null;
  lost = false;
  regions.clear();
  rows.clear();
  refuse(reason ? word(reason) : '');
  show(false);
  byId('sign-in').elements.password.focus();
}

function refuse(text) {
  byId('refused').textContent = text;
  byId('refused').hidden = !text;
}

async function enter(answer) {
  account = await answer.json();
  refuse('');
  heard = clocks();
  show(true);
  // The regions are for cloud administrators.
  if (account.cloud_administrator) follow();
}

async function signIn(event) {
  event.preventDefault();
  const form = byId('sign-in');
  const button = form.querySelector('button');
  const { account: name, department, password } = form.elements;
  const asked = { account: name.value, password: password.value };
  if (department.value.trim()) asked.department = department.value.trim();
  const body = JSON.stringify(asked);
  button.disabled = true;
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${API}/session`, { method: 'POST', headers, body });
    form.elements.password.value = '';
    if (answer.ok) {
      await enter(answer);
      byId('main').focus();
    } else {
      const problem = await answer.json();
      const slug = problem.type.split(':').pop();
      refuse(word('problems')[slug] ?? `${problem.detail} ${problem.next_step}`);
      form.elements.password.focus();
    }
  } catch {
    refuse(word('failed'));
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  await fetch(`${API}/session`, { method: 'DELETE' }).catch(() => null);
  leave();
}

function switchLanguage() {
  language = language === 'zh' ? 'en' : 'zh';
  try { localStorage.setItem('language', language); } catch { /* It holds for this visit. */ }
  drawSoon();
}

byId('sign-in').addEventListener('submit', signIn);
byId('sign-out').addEventListener('click', signOut);
byId('language').addEventListener('click', switchLanguage);
byId('filter').addEventListener('input', drawSoon);
setInterval(watch, 1000);
draw();
const begun = await fetch(`${API}/session`).catch(() => null);
if (begun?.ok) await enter(begun);
else leave(begun ? '' : 'failed');
