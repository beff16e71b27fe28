/** The HTTP side of a node, in place of `fetch`: a test says what is answered, and reads what was asked. */
import { vi } from 'vitest';

export interface Asked {
  /** `METHOD /path`, without the query. */
  what: string;
  query: Record<string, string>;
  body: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

export class FakeHttp {
  readonly asked: Asked[] = [];
  /** By {@link Asked.what}. What stands nowhere is answered 404. */
  readonly answers: Record<string, Answer>;

  constructor(answers: Record<string, Answer>) {
    this.answers = answers;
    vi.stubGlobal(
      'fetch',
      vi.fn((target: string, init: RequestInit) => this.#take(target, init)),
    );
  }

  /** The oldest first. */
  heard(what: string): Asked[] {
    return this.asked.filter((each) => each.what === what);
  }

  async #take(target: string, { method = 'GET', body }: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(target, 'http://node');
    const asked = {
      what: `${method} ${pathname}`,
      query: Object.fromEntries(searchParams),
      body: typeof body === 'string' ? (JSON.parse(body) as unknown) : undefined,
    };
    this.asked.push(asked);
    return (await this.answers[asked.what]?.(asked)) ?? problem(404, 'not_found');
  }
}

/** As a node refuses (RFC 9457). */
export function problem(status: number, code: string, more: object = {}): Response {
  const body = { type: `/problems/${code}`, title: code, status, detail: code, code, request_id: 'r-7', ...more };
  return Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } });
}
