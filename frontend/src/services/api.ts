/** The HTTP side of a node. Every failure is an {@link ApiError} with a stable `code`; `network` and `timeout` are ours. */
import type { LogLevel, LogRecord } from './protocol.ts';

/** An answer that is not 2xx (`application/problem+json`), or none at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0 when there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;

  constructor(
    status: number,
    code: string,
    detail: string,
    requestId: string | null = null,
    retryAfterMs: number | null = null,
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface CreateRoom {
  name?: string;
  host_name?: string;
  password?: string;
  locked?: boolean;
  lobby?: boolean;
  participant_limit?: number;
}

export interface CreatedRoom {
  id: string;
  participant_id: string;
  /** The host's. */
  token: string;
}

export interface RoomSummary {
  id: string;
  name: string;
  locked: boolean;
  lobby: boolean;
  has_password: boolean;
  participant_limit: number | null;
  members: number;
  ended: boolean;
}

export interface JoinRequest {
  name: string;
  password?: string;
  role?: 'viewer';
}

export interface JoinGrant {
  participant_id: string;
  token: string;
}

export interface ServiceStatus {
  name: string;
  status: string;
  detail?: string | null;
}

export interface NodeStatus {
  node: string;
  version: string;
  state: string;
  uptime_ms: number;
  services: ServiceStatus[];
  sfu: { provider: string; status: string };
  rooms: number;
  connections: number;
}

export type { LogLevel, LogRecord };

export interface LogQuery {
  /** The least level. */
  level?: LogLevel;
  service?: string;
  room?: string;
  text?: string;
  /** Exclusive. */
  since?: number;
  limit?: number;
}

export interface LogPage {
  records: LogRecord[];
  next: number | null;
  dropped: number;
}

const TIMEOUT_MS = 10_000;

export const api = {
  createRoom: (body: CreateRoom) => request<CreatedRoom>('POST', '/api/rooms', { body }),
  getRoom: (id: string) => request<RoomSummary>('GET', room(id)),
  updateRoom: (id: string, body: CreateRoom, bearer: string) =>
    request<RoomSummary>('PATCH', room(id), { body, bearer }),
  endRoom: (id: string, bearer: string) => request<undefined>('DELETE', room(id), { bearer }),
  joinRoom: (id: string, body: JoinRequest) => request<JoinGrant>('POST', `${room(id)}/join`, { body }),
  status: () => request<NodeStatus>('GET', '/api/status'),
  logs: (query: LogQuery = {}) => request<LogPage>('GET', `/debug/api/logs${search(query)}`),
  /** An operator's token becomes a cookie that scripts cannot read. */
  openSession: (token: string) => request<undefined>('POST', '/api/session', { body: { token } }),
  /** Whether this browser has such a cookie, and it is still good. */
  session: () => request<{ operator: boolean }>('GET', '/api/session'),
  closeSession: () => request<undefined>('DELETE', '/api/session'),
};

function room(id: string): string {
  return `/api/rooms/${encodeURIComponent(id)}`;
}

function search(query: LogQuery): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query) as [string, string | number | undefined][]) {
    if (value !== undefined && value !== '') params.set(key, String(value));
  }
  return params.size === 0 ? '' : `?${params.toString()}`;
}

async function request<T>(method: string, path: string, options: { body?: unknown; bearer?: string } = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.bearer !== undefined) headers['authorization'] = `Bearer ${options.bearer}`;
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);

  const response = await fetch(path, init).catch((cause: unknown) => {
    const code = cause instanceof DOMException && cause.name === 'TimeoutError' ? 'timeout' : 'network';
    throw new ApiError(0, code, String(cause));
  });
  if (!response.ok) throw await problem(response);
  if (response.status === 204) return undefined as T;
  return (await response.json().catch(() => {
    throw new ApiError(response.status, 'invalid', 'the answer is not JSON');
  })) as T;
}

async function problem(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const field = (key: string) => (typeof body[key] === 'string' ? body[key] : null);
  const retry = body['retry_after_ms'];
  const code = field('code') ?? (response.status >= 500 ? 'unavailable' : 'invalid');
  return new ApiError(
    response.status,
    code,
    field('detail') ?? field('title') ?? response.statusText,
    field('request_id'),
    typeof retry === 'number' ? retry : null,
  );
}
