/**
 * Topic `room:<id>`, typed: joins with what the credentials say, hands out parsed events, sends durable and ephemeral
 * pushes. It decides which refusals are worth trying again; what to do about the others is the session's matter.
 */
import type { Socket } from 'phoenix';

import { debugLogger } from './debugLogger.ts';
import { fields } from './decode.ts';
import type { Position, RoomEvent, SnapshotEvent } from './events.ts';
import { type JoinReply, parseJoinReply } from './joinReply.ts';
import { Outbox } from './outbox.ts';
import { parseEvent, parsePosition, parseSnapshot } from './parse.ts';
import type { RoomPushes } from './protocol.ts';
import { PushError, Topic } from './topic.ts';

export type JoinParams = ({ token: string } | { resume: string }) & { since?: Position };

export interface RoomChannelHandlers {
  joined(reply: JoinReply): void;
  /** Trying again would be refused again. */
  refused(error: PushError): void;
  event(event: RoomEvent): void;
  down(): void;
  closed(): void;
  /** An event could not be read: what it said is missing. */
  unreadable(): void;
}

/** Answered with nothing or with state, never with a position. */
type EphemeralPush = 'media' | 'reaction' | 'data' | 'snapshot';
export type DurablePushes = Omit<RoomPushes, EphemeralPush>;

const WORTH_RETRYING = new Set(['unavailable', 'rate_limited', 'timeout', 'conflict', 'join crashed']);

export class RoomChannel {
  readonly #topic: Topic;
  readonly #outbox: Outbox;
  readonly #handlers: RoomChannelHandlers;

  constructor(socket: Socket, roomId: string, params: () => JoinParams, handlers: RoomChannelHandlers) {
    this.#handlers = handlers;
    this.#outbox = new Outbox((event, payload) => this.#topic.push(event, payload));
    this.#topic = new Topic(socket, `room:${roomId}`, params, {
      joined: (reply) => this.#joined(reply),
      refused: (error) => this.#refused(error),
      event: (name, payload) => this.#event(name, payload),
      down: () => {
        this.#outbox.offline();
        handlers.down();
      },
      closed: () => {
        this.#outbox.close();
        handlers.closed();
      },
    });
  }

  get joined(): boolean {
    return this.#topic.joined;
  }

  join(): void {
    this.#topic.open();
  }

  rejoin(): void {
    this.#outbox.offline();
    this.#topic.restart();
  }

  /** Detaches without leaving the room; whoever means to leave pushes `leave` first. */
  close(): void {
    this.#outbox.close();
    this.#topic.close();
  }

  /** Sent again until committed; `id` makes a retry by hand the same command. */
  pushDurable<E extends keyof DurablePushes>(
    event: E,
    payload: Omit<DurablePushes[E], 'id'>,
    id?: string,
  ): Promise<Position> {
    return this.#outbox.push(event, payload, id);
  }

  push<E extends EphemeralPush>(event: E, payload: RoomPushes[E]): Promise<unknown> {
    return this.#topic.push(event, payload);
  }

  async snapshot(): Promise<SnapshotEvent> {
    const reply = fields(await this.push('snapshot', {}), 'snapshot');
    const [position, snapshot] = [parsePosition(reply, 'snapshot'), parseSnapshot(reply['snapshot'])];
    return { type: 'snapshot', answers: 'push', position, snapshot };
  }

  #joined(raw: unknown): void {
    let reply: JoinReply;
    try {
      reply = parseJoinReply(raw);
    } catch (error) {
      this.#topic.close();
      return this.#handlers.refused(new PushError('invalid', String(error)));
    }
    this.#handlers.joined(reply);
    if (!reply.waiting) this.#outbox.online();
  }

  #refused(error: PushError): void {
    if (WORTH_RETRYING.has(error.reason)) return this.#handlers.down();
    this.#topic.close();
    this.#handlers.refused(error);
  }

  #event(name: string, payload: unknown): void {
    if (name.startsWith('presence_')) return;
    try {
      const event = parseEvent(name, payload);
      if (event !== null) this.#handlers.event(event);
    } catch (error) {
      debugLogger.error('unreadable event', { event: name, error: String(error) });
      this.#handlers.unreadable();
    }
  }
}
