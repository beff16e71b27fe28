/**
 * The debug log as it grows: what is stored, read over HTTP, then what comes live on topic `debug:logs`. Where the topic is not
 * to be had (a debug service of its own) it polls. Whoever is no operator is told so once, and nothing is asked until they are.
 */
import type { Socket } from 'phoenix';

import { api, ApiError, type LogQuery, type LogRecord } from './api.ts';
import { fields, integer, list, text } from './decode.ts';
import { Emitter } from './emitter.ts';
import { matches } from './logFilter.ts';
import { getSocket, reconnectSocket } from './socket.ts';
import { Topic } from './topic.ts';

export interface LogView {
  /** The oldest first. */
  records: LogRecord[];
  dropped: number;
  live: boolean;
  loading: boolean;
  /** The log is for operators, and this browser has not shown a token. */
  forbidden: boolean;
  error: string | null;
}

const CAPACITY = 2000;
const PAGE = 500;
const POLL_MS = 3000;

export class LogStream {
  readonly #filter: LogQuery;
  readonly #socket: () => Socket;
  readonly #emitter = new Emitter();
  #view: LogView = { records: [], dropped: 0, live: false, loading: true, forbidden: false, error: null };
  #topic: Topic | null = null;
  #poll: ReturnType<typeof setInterval> | undefined;

  constructor(filter: LogQuery, socket: () => Socket = getSocket) {
    this.#filter = filter;
    this.#socket = socket;
  }

  readonly getSnapshot = (): LogView => this.#view;

  /** Runs while somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#emitter.subscribe(listener);
    if (this.#topic === null) this.#start();
    return () => {
      unsubscribe();
      this.#stop();
    };
  };

  /** Shows an operator's token. Rejects with an `ApiError`. */
  async signIn(token: string): Promise<void> {
    await api.openSession(token);
    this.#beginAgain();
  }

  /** Takes the token back from this browser; what was read goes from the screen. Rejects with an `ApiError`. */
  async signOut(): Promise<void> {
    await api.closeSession();
    this.#beginAgain();
  }

  /** The browser is someone else now, for the socket too. */
  #beginAgain(): void {
    this.#stop();
    this.#set({ records: [], dropped: 0, live: false, loading: true, forbidden: false, error: null });
    reconnectSocket();
    this.#start();
  }

  #start(): void {
    this.#topic = new Topic(this.#socket(), 'debug:logs', () => ({}), {
      joined: () => {
        this.#set({ live: true });
        void this.#fetch(); // What was written while nobody listened.
      },
      refused: () => this.#topic?.close(),
      event: (name, payload) => {
        if (name === 'logs') this.#hear(payload);
      },
      down: () => this.#set({ live: false }),
      closed: () => this.#set({ live: false }),
    });
    this.#topic.open();
    clearInterval(this.#poll);
    this.#poll = setInterval(() => {
      if (!this.#view.live) void this.#fetch();
    }, POLL_MS);
    void this.#fetch();
  }

  #stop(): void {
    clearInterval(this.#poll);
    this.#topic?.close();
    this.#topic = null;
  }

  async #fetch(): Promise<void> {
    const since = this.#view.records.at(-1)?.id;
    try {
      const page = await api.logs({ ...this.#filter, limit: PAGE, ...(since === undefined ? {} : { since }) });
      this.#add(page.records, page.dropped);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return this.#forbid();
      this.#set({ loading: false, error: String(error) });
    }
  }

  #forbid(): void {
    this.#stop();
    this.#set({ records: [], dropped: 0, live: false, loading: false, forbidden: true, error: null });
  }

  #hear(payload: unknown): void {
    const from = fields(payload, 'logs');
    const records = list(from, 'records', 'logs', logRecord).filter((record) => matches(record, this.#filter));
    this.#add(records, integer(from, 'dropped', 'logs'));
  }

  #add(news: LogRecord[], dropped: number): void {
    const known = new Set(this.#view.records.map((record) => record.id));
    const fresh = news.filter((record) => !known.has(record.id));
    const records =
      fresh.length === 0
        ? this.#view.records
        : [...this.#view.records, ...fresh].sort((a, b) => a.id - b.id).slice(-CAPACITY);
    this.#set({ records, dropped, loading: false, error: null });
  }

  #set(change: Partial<LogView>): void {
    this.#view = { ...this.#view, ...change };
    this.#emitter.emit();
  }
}

function logRecord(value: unknown, path: string): LogRecord {
  const from = fields(value, path);
  integer(from, 'id', path);
  integer(from, 'at', path);
  text(from, 'level', path);
  text(from, 'message', path);
  return from as unknown as LogRecord;
}
