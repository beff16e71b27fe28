/**
 * The network of one person, which can be cut. HTTP and WebSocket go through a TCP relay, media through a UDP relay to which
 * the page's ICE candidates are led. Cut means silence, as on a lost Wi-Fi: no packet passes, nothing is refused or closed.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Network {
  #cut = false;
  #pairs = new Set();
  #relays = new Map();

  /** @param {string} target the node's address, such as `http://127.0.0.1:4000` */
  static async to(target) {
    const network = new Network();
    network.target = new URL(target);
    network.listener = createServer((near) => network.#accept(near));
    network.listener.listen(0, '127.0.0.1');
    await once(network.listener, 'listening');
    network.url = `http://127.0.0.1:${network.listener.address().port}`;
    return network;
  }

  cut() {
    this.#cut = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  heal() {
    this.#cut = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Every connection breaks, on both sides, as when a computer changes its network; new ones can be made unless it is cut. */
  drop() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  #accept(near) {
    const far = connect(Number(this.target.port), this.target.hostname);
    const pair = [near, far];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.on('data', (data) => to.write(data));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.end();
        this.#pairs.delete(pair);
      });
      if (this.#cut) from.pause();
    }
  }

  /** The relay's port for one address of the media server. */
  async mediaPort(address, port) {
    const key = `${address}:${port}`;
    if (!this.#relays.has(key)) this.#relays.set(key, this.#relay(address, port));
    return (await this.#relays.get(key)).address().port;
  }

  async #relay(address, port) {
    const near = await bound();
    const fars = new Map();
    near.on('message', async (packet, from) => {
      if (this.#cut) return;
      const key = `${from.address}:${from.port}`;
      if (!fars.has(key)) fars.set(key, this.#far(near, from));
      (await fars.get(key)).send(packet, port, address);
    });
    near.once('close', () => fars.forEach(async (far) => (await far).close()));
    return near;
  }

  async #far(near, to) {
    const far = await bound();
    far.on('message', (packet) => {
      if (!this.#cut) near.send(packet, to.port, to.address);
    });
    return far;
  }

  async close() {
    this.listener.close();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    for (const relay of this.#relays.values()) (await relay).close();
  }
}

async function bound() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
