/**
 * A member of a room that speaks through a stock phoenix client. Two versions are under test, because they carry the token
 * differently: 1.8 sends it as `authToken` when the socket opens, 1.7 knows no `authToken`, so its socket opens anonymous
 * and the token comes in `phx_join`.
 *
 * Nothing here works around the server: the clients' own reconnect and rejoin are what is tested.
 */

import * as phoenix18 from 'phoenix';
import * as phoenix17 from 'phoenix17';
import WebSocket from 'ws';
import { within, until } from '../harness/until.mjs';

/** What differs between the two. */
export const CLIENTS = [
  {
    version: '1.8.16',
    ...phoenix18,
    socketOptions: (token) => ({ authToken: token }),
    joinParams: () => ({}),
  },
  {
    version: '1.7.21',
    ...phoenix17,
    socketOptions: () => ({}),
    joinParams: (token) => ({ token }),
  },
];

export class Member {
  /** Every event heard, in order: `[event, payload]`. */
  heard = [];
  /** Every join answer, in order. */
  joins = [];
  /** The code of every close of the socket, in order. */
  closes = [];
  closed = false;

  /**
   * @param {typeof CLIENTS[number]} client
   * @param {string} socketUrl
   * @param {string} room
   * @param {string} token
   * @param {object} [options] more of the client's own for its socket
   */
  constructor(client, socketUrl, room, token, options = {}) {
    this.client = client;
    this.token = token;
    this.socket = new client.Socket(socketUrl, { transport: WebSocket, ...client.socketOptions(token), ...options });
    this.socket.onClose(({ code }) => this.closes.push(code));
    this.topic = `room:${room}`;
    this.channel = this.open();
  }

  /** A new channel object on the same topic and socket. */
  open() {
    const channel = this.socket.channel(this.topic, () => this.params());
    const onMessage = channel.onMessage.bind(channel);
    channel.onMessage = (event, payload, ref) => {
      if (!event.startsWith('phx_') && !event.startsWith('chan_reply_')) this.heard.push([event, payload]);
      return onMessage(event, payload, ref);
    };
    channel.onClose(() => {
      if (channel === this.channel) this.closed = true;
    });
    return channel;
  }

  /** The join's payload; asked again for each rejoin. */
  params() {
    const { resume } = this.joins.findLast((reply) => reply.resume) ?? {};
    return resume ? { resume, since: this.position() } : this.client.joinParams(this.token);
  }

  /** The last position in the room's history that this member knows. */
  position() {
    const places = [...this.joins, ...this.heard.map(([, payload]) => payload)].filter(
      (p) => p?.seq !== undefined && p.epoch,
    );
    const last = places.reduce((a, b) => (b.epoch > a.epoch || (b.epoch === a.epoch && b.seq > a.seq) ? b : a));
    return { epoch: last.epoch, seq: last.seq };
  }

  /** Connects and joins; answers the reply, or throws `{reason, message}` as an error. */
  async join() {
    this.socket.connect();
    const { channel } = this;
    const answer = new Promise((resolve, reject) => {
      channel
        .join()
        .receive('ok', (reply) => {
          this.joins.push(reply);
          resolve(reply);
        })
        .receive('error', (error) => reject(Object.assign(new Error(`refused: ${error.reason}`), error)));
    });
    return within(`${this.client.version} to join ${this.topic}`, answer);
  }

  /** Pushes and answers the reply, or throws `{reason, message}` as an error. */
  push(event, payload = {}) {
    const answer = new Promise((resolve, reject) => {
      this.channel
        .push(event, payload)
        .receive('ok', resolve)
        .receive('error', (error) => reject(Object.assign(new Error(`refused: ${error.reason}`), error)))
        .receive('timeout', () => reject(new Error(`${event} was not answered`)));
    });
    return within(`an answer to ${event}`, answer);
  }

  /** Waits for an event whose payload passes. */
  hears(event, passes = () => true) {
    return until(
      `${event} to be heard`,
      () => this.heard.find(([name, payload]) => name === event && passes(payload))?.[1],
      { show: () => this.heard.slice(-10) },
    );
  }

  /** How often an event was heard whose payload passes. */
  count(event, passes = () => true) {
    return this.heard.filter(([name, payload]) => name === event && passes(payload)).length;
  }

  disconnect() {
    return within('the socket to close', new Promise((resolve) => this.socket.disconnect(resolve)));
  }
}
