/**
 * Three real nodes with a real Redis and real certificates, and a door for each person: a balancer as operators put one before their nodes, that asks
 * the person's own node first and the next one when it is gone.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BINARY, Server } from './server.mjs';
import { until, within } from './until.mjs';

const NAMES = ['a', 'b', 'c'];

export class Cluster {
  #doors = [];

  constructor(folder, redis, nodes) {
    Object.assign(this, { folder, redis, nodes });
  }

  static async start() {
    const folder = await mkdtemp(join(tmpdir(), 'videorooms-cluster-'));
    const identities = join(folder, 'identities');
    await promisify(execFile)(BINARY, ['cluster', 'init', '--dir', identities, ...NAMES]);
    const socket = join(folder, 'redis.sock');
    const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', ''];
    const redis = spawn('redis-server', [...settings, '--appendonly', 'yes', '--appendfsync', 'always'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await within('Redis to be ready', ready(redis));
    redis.stdout.resume();
    const nodes = [];
    for (const name of NAMES) {
      const node = await Server.start({
        VIDEOROOMS__NODE: name,
        VIDEOROOMS__STORE__URL: `redis+unix://${socket}`,
        VIDEOROOMS__CLUSTER__LISTEN: '127.0.0.1:0',
        VIDEOROOMS__CLUSTER__IDENTITY: join(identities, name),
      });
      nodes.push(Object.assign(node, { name }));
    }
    return new Cluster(folder, redis, nodes);
  }

  /** The address of a door whose people are served by this node, and by the next one when it is gone. */
  async door(first) {
    const order = NAMES.map((_, step) => this.nodes[(first + step) % NAMES.length]);
    const door = createServer((inside) => void pass(inside, order));
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    this.#doors.push(door);
    return `http://127.0.0.1:${door.address().port}`;
  }

  /** The node that owns a room, as the node says that has it in memory. */
  async owner(room) {
    let owner;
    await until(`an owner of ${room}`, async () => {
      for (const node of this.nodes) {
        if (!node.isAlive) continue;
        const status = await fetch(`${node.url}/api/status`).then((answer) => answer.json());
        if (status.rooms > 0) owner = node;
      }
      return owner !== undefined;
    });
    return owner;
  }

  log(lines) {
    return this.nodes.map((node) => `--- ${node.name}\n${node.log(lines)}`).join('\n');
  }

  async dispose() {
    for (const door of this.#doors) door.close();
    for (const node of this.nodes) await node.dispose();
    this.redis.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

function ready(redis) {
  return new Promise((resolve, reject) => {
    redis.once('error', reject);
    redis.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    redis.stdout.on('data', (text) => String(text).includes('eady to accept connections') && resolve());
  });
}

/** Connects someone to the first node that takes the connection. */
async function pass(inside, order) {
  inside.on('error', () => inside.destroy());
  for (const node of order) {
    const outside = connect({ host: '127.0.0.1', port: Number(new URL(node.url).port) });
    const taken = await new Promise((resolve) => {
      outside.once('connect', () => resolve(true));
      outside.once('error', () => resolve(false));
    });
    if (!taken) continue;
    outside.on('error', () => inside.destroy());
    outside.on('close', () => inside.destroy());
    inside.on('close', () => outside.destroy());
    inside.pipe(outside).pipe(inside);
    return;
  }
  inside.destroy();
}
