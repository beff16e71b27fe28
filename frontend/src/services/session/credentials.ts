/**
 * Who this tab is in a room: the resume secret if it was inside, else the token of creation, else a token asked for now. A
 * resume secret that the room no longer takes is given up once, for a new identity.
 */
import type { JoinIntent } from '../../types/roomHandle.ts';
import type { JoinGrant, JoinRequest } from '../api.ts';
import type { Preferences } from '../preferences.ts';

type JoinParams = { token: string } | { resume: string };

export class Credentials {
  readonly #roomId: string;
  readonly #intent: JoinIntent;
  readonly #preferences: Preferences;
  readonly #ask: (roomId: string, body: JoinRequest) => Promise<JoinGrant>;
  #renewed = false;

  constructor(
    roomId: string,
    intent: JoinIntent,
    preferences: Preferences,
    ask: (roomId: string, body: JoinRequest) => Promise<JoinGrant>,
  ) {
    this.#roomId = roomId;
    this.#intent = intent;
    this.#preferences = preferences;
    this.#ask = ask;
  }

  /** The participant comes back rather than in. */
  get returning(): boolean {
    return this.#preferences.wasInside(this.#roomId);
  }

  /** For the socket; null before {@link obtain}. */
  get bearer(): string | null {
    const { resume, token } = this.#preferences.identity(this.#roomId);
    return resume ?? token ?? null;
  }

  /** Rejects with an `ApiError`. */
  async obtain(): Promise<void> {
    if (this.bearer !== null) return;
    const { name, password } = this.#intent;
    const grant = await this.#ask(this.#roomId, { name, ...(password === undefined ? {} : { password }) });
    this.#preferences.rememberToken(this.#roomId, grant.token, grant.participant_id);
  }

  params(): JoinParams {
    const { resume, token } = this.#preferences.identity(this.#roomId);
    return resume === undefined ? { token: token ?? '' } : { resume };
  }

  remember(participantId: string, resume: string | null): void {
    if (resume !== null) this.#preferences.rememberResume(this.#roomId, participantId, resume);
  }

  /** True if another identity may be tried. */
  giveUp(): boolean {
    this.#preferences.forgetIdentity(this.#roomId);
    if (this.#renewed) return false;
    this.#renewed = true;
    return true;
  }

  forget(): void {
    this.#preferences.forgetIdentity(this.#roomId);
  }
}
