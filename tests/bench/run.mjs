/**
 * `make bench`: starts a release node for each scenario, loads it, and prints the figures with the state of the machine.
 *
 * Exits with 1 when a load was not clean (something lost, doubled, reordered or refused): figures of such a run mean nothing. A
 * figure that misses its promise is marked, and is no failure: this is a measurement, not a test.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from '../harness/server.mjs';
import { LIMITS, LOADS, ROOMS } from './scenarios.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = join(ROOT, 'target/release/videorooms');
const GENERATOR = join(ROOT, 'tests/bench/channel-load/target/release/channel-load');
const MEMBER_LIMIT = 10_000;
const CONCURRENCY = 32;
const TICKS_PER_SECOND = 100;

const chosen = process.argv[2]?.split(',');
const wanted = (name) => !chosen || chosen.includes(name);
const rows = [];
let clean = true;

console.log(
  `machine: ${cpus().length} × ${cpus()[0].model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux; load before: ${loadavg()[0].toFixed(2)}`,
);
console.log(
  `limits: ${Object.entries(LIMITS)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}\n`,
);
for (const [name, load] of Object.entries(LOADS)) if (wanted(name)) await measureLoad(name, load);
if (wanted('rooms')) await measureRooms(ROOMS);
print();
process.exitCode = clean ? 0 : 1;

/** One load on a node of its own. */
async function measureLoad(name, load) {
  console.log(`${name}: ${load.title}`);
  const server = await Server.start(LIMITS, NODE);
  // Before anything is made in it.
  const empty = await usage(server.pid);
  const folder = await mkdtemp(join(tmpdir(), 'videorooms-bench-'));
  try {
    const report = { ...(await generate(server, folder, load)), emptyRss: empty.rss };
    clean &&= report.clean;
    const busy = `${report.other_cores.toFixed(2)} cores of other work${report.clean ? '' : ', NOT CLEAN'}`;
    for (const { name: figure, unit, of, ...promise } of load.figures) {
      rows.push({ scenario: name, figure, unit, value: of(report), promise, busy });
    }
  } finally {
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function generate(server, folder, { rooms, members, options }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const made = await inParallel(rooms, CONCURRENCY, () =>
    post(server, agent, '/api/rooms', { participant_limit: MEMBER_LIMIT }),
  );
  const joins = await inParallel(rooms * members, CONCURRENCY, (n) => {
    const { id } = made[Math.floor(n / members)];
    return post(server, agent, `/api/rooms/${id}/join`, { name: `member ${n}` });
  });
  agent.destroy();
  const [topics, tokens, result] = ['topics', 'joins', 'result.json'].map((file) => join(folder, file));
  await writeFile(topics, made.map(({ id }) => `room:${id}\n`).join(''));
  await writeFile(tokens, joins.map(({ token }) => `${JSON.stringify({ token })}\n`).join(''));
  const args = [
    '--url',
    `${server.socketUrl}/websocket`,
    '--pid',
    String(server.pid),
    '--event',
    'data',
    '--payload',
    '200',
  ];
  args.push(
    '--members',
    String(members),
    '--topics-file',
    topics,
    '--joins-file',
    tokens,
    '--json',
    result,
    ...options,
  );
  const code = await new Promise((resolve) => spawn(GENERATOR, args, { stdio: 'inherit' }).once('exit', resolve));
  if (code === 2) throw new Error(`the load could not run\n${server.log(20)}`);
  return JSON.parse(await readFile(result, 'utf8'));
}

/** Rooms per second, and what an idle one keeps in memory. */
async function measureRooms({ title, rooms, concurrency }) {
  console.log(`rooms: ${title}`);
  const server = await Server.start(LIMITS, NODE);
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  try {
    await inParallel(concurrency, concurrency, () => post(server, agent, '/api/rooms', {}));
    const before = await usage(server.pid);
    const started = performance.now();
    await inParallel(rooms, concurrency, () => post(server, agent, '/api/rooms', {}));
    const seconds = (performance.now() - started) / 1e3;
    const after = await usage(server.pid);
    const busy = `load ${loadavg()[0].toFixed(2)}`;
    const figures = [
      ['rooms created', '1/s', rooms / seconds],
      ['CPU per room created', 'µs', ((after.cpuSeconds - before.cpuSeconds) / rooms) * 1e6],
      ['memory per idle room', 'KB', (after.rss - before.rss) / rooms / 1e3],
    ];
    for (const [figure, unit, value] of figures)
      rows.push({ scenario: 'rooms', figure, unit, value, promise: {}, busy });
  } finally {
    agent.destroy();
    await server.dispose();
  }
}

async function usage(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rss };
}

async function inParallel(count, width, act) {
  const results = new Array(count);
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) results[n] = await act(n);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return results;
}

function post(server, agent, path, body) {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const call = request(`${server.url}${path}`, { method: 'POST', agent, headers }, async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const answer = Buffer.concat(chunks).toString();
      if (response.statusCode >= 300) reject(new Error(`POST ${path}: ${response.statusCode} ${answer}`));
      else resolve(JSON.parse(answer));
    });
    call.once('error', reject);
    call.end(text);
  });
}

function print() {
  console.log('\n| scenario | figure | measured | must | goal | Phoenix | while |\n|---|---|---|---|---|---|---|');
  for (const { scenario, figure, unit, value, promise, busy } of rows) {
    const { must, goal, phoenix } = promise;
    const missed = must !== undefined && value > must ? ' (missed)' : '';
    const others = [must, goal, phoenix].map((n) => (n === undefined ? '–' : `${n} ${unit}`));
    console.log(`| ${[scenario, figure, `${digits(value)} ${unit}${missed}`, ...others, busy].join(' | ')} |`);
  }
}

function digits(value) {
  return value.toFixed(Math.max(0, Math.min(2, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))));
}
