/** Own messages on their way, and how they stand beside the committed ones. */
import type { ChatMessage } from '../../types/roomHandle.ts';
import { commandId } from '../commandId.ts';
import type { SentMessage } from '../events.ts';

interface Draft {
  id: string;
  text: string;
  at: number;
  status: 'sending' | 'failed';
}

/** Longer ones are refused by the room. */
export const CHAT_LIMIT = 4000;

export class ChatLog {
  readonly #send: (id: string, text: string) => Promise<unknown>;
  readonly #changed: () => void;
  #drafts: Draft[] = [];
  /** A message that did not change stays the same object, so that its line is not drawn again. */
  readonly #shown = new WeakMap<SentMessage, ChatMessage>();

  /** `send` resolves when the message is committed; the same `id` twice is one message. */
  constructor(send: (id: string, text: string) => Promise<unknown>, changed: () => void) {
    this.#send = send;
    this.#changed = changed;
  }

  send(text: string): void {
    // By characters, as the room counts: half of a pair is none.
    const trimmed = [...text.trim()].slice(0, CHAT_LIMIT).join('');
    if (trimmed === '') return;
    const draft: Draft = { id: commandId(), text: trimmed, at: Date.now(), status: 'sending' };
    this.#drafts = [...this.#drafts, draft];
    this.#attempt(draft);
  }

  retry(id: string): void {
    const draft = this.#drafts.find((each) => each.id === id);
    if (draft?.status === 'failed') this.#attempt(draft);
  }

  /** Committed messages in the room's order, then what is not among them yet. */
  merged(committed: readonly SentMessage[], me: { participantId: string; name: string } | null): ChatMessage[] {
    const known = new Set(committed.filter((m) => m.from === me?.participantId).map((m) => m.id));
    this.#drafts = this.#drafts.filter((draft) => !known.has(draft.id));
    const own = { from: me?.participantId ?? '', name: me?.name ?? '' };
    return [...committed.map((m) => this.#sent(m)), ...this.#drafts.map((draft) => ({ ...draft, ...own }))];
  }

  #sent(message: SentMessage): ChatMessage {
    const shown = this.#shown.get(message) ?? { ...message, status: 'sent' };
    this.#shown.set(message, shown);
    return shown;
  }

  #attempt(draft: Draft): void {
    this.#set(draft.id, 'sending');
    // Committed messages come back as events; until then the draft stays.
    this.#send(draft.id, draft.text).catch(() => this.#set(draft.id, 'failed'));
  }

  #set(id: string, status: Draft['status']): void {
    this.#drafts = this.#drafts.map((draft) => (draft.id === id ? { ...draft, status } : draft));
    this.#changed();
  }
}
