/**
 * One real node as a child process: the binary that `make run` starts, on ports that the kernel chose, with a data folder
 * of its own. `kill` is SIGKILL; `start` after it takes the same address and the same data, as an operator's restart would.
 *
 * The log is kept in memory and shown only when a test fails.
 */

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEADLINE_MS, within } from './until.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOG_LINES = 2_000;

/** The binary under test. */
export const BINARY = process.env.VIDEOROOMS_BINARY ?? join(ROOT, 'target/debug/videorooms');

export class Server {
  #child;
  #ended;
  #log = [];
  #listen = '127.0.0.1:0';

  /** @param {string} data @param {Record<string, string>} env @param {string} binary */
  constructor(data, env, binary) {
    Object.assign(this, { data, env, binary });
  }

  /**
   * Starts a node on a new data folder.
   *
   * @param {Record<string, string>} [env] configuration keys, such as `VIDEOROOMS__LIMITS__MAX_SOCKETS`
   * @param {string} [binary]
   */
  static async start(env = {}, binary = BINARY) {
    const server = new Server(await mkdtemp(join(tmpdir(), 'videorooms-')), env, binary);
    await server.start();
    return server;
  }

  /** Such as `http://127.0.0.1:40123`. */
  get url() {
    return `http://${this.#listen}`;
  }

  /** Where a Phoenix client connects; it appends `/websocket` itself. */
  get socketUrl() {
    return `ws://${this.#listen}/ws`;
  }

  get isAlive() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** Starts the process and waits for its address; after a kill on the same one. */
  async start() {
    const args = ['serve', '--dev', '--data', this.data, '--listen', this.#listen];
    args.push('--admin-listen', '127.0.0.1:0', '--media-listen', '127.0.0.1:0');
    const child = spawn(this.binary, args, { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    child.stderr.setEncoding('utf8').on('data', (text) => this.#note(text));
    const address = await within('the node to say that it is ready', this.#ready(child)).catch((error) => {
      child.kill('SIGKILL');
      throw new Error(`${error.message}\n${this.log()}`);
    });
    this.#listen = new URL(address).host;
  }

  #ready(child) {
    return new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`${this.binary}: ${error.message}`)));
      child.once('exit', (code, signal) =>
        reject(new Error(`the node ended with ${signal ?? code} before it was ready`)),
      );
      child.stdout.setEncoding('utf8').on('data', (text) => {
        this.#note(text);
        const found = /VideoRooms is ready: (http:\/\/\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
    });
  }

  #note(text) {
    this.#log.push(...text.split('\n').filter(Boolean));
    this.#log.splice(0, this.#log.length - LOG_LINES);
  }

  /** A token that opens the log, as an operator of this node prints it. */
  async operatorToken() {
    const { stdout } = await promisify(execFile)(this.binary, ['operator', 'token', '--data', this.data]);
    return stdout.trim();
  }

  /** What the node wrote, the last lines. */
  log(lines = 200) {
    return this.#log.slice(-lines).join('\n');
  }

  /** Kills it as a crash of the machine would: no goodbye. Returns when it is gone. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Asks it to stop, and returns the exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    return within('the node to stop', this.#ended, DEADLINE_MS);
  }

  /** Ends it in whatever state it is and removes its data. */
  async dispose() {
    if (this.isAlive) await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}
