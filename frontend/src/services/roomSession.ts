/**
 * One stay in one room, from the first credential to the last goodbye, without any React. It joins the parts in `session/`:
 * channel → state → view, and actions → channel. Everything is derived anew after a change and published as one
 * immutable {@link RoomHandle}.
 */
import type { SFUAdapter, SFUConfig, Source } from '../adapters/sfu/types.ts';
import type { JoinIntent, MediaStats, Notice, Reaction, RoomActions, RoomHandle, Tile } from '../types/roomHandle.ts';

import { ApiError } from './api.ts';
import { backoff } from './backoff.ts';
import { debugLogger } from './debugLogger.ts';
import { type DeviceLists, listDevices, NO_DEVICES, onDevicesChanged } from './devices.ts';
import { Emitter } from './emitter.ts';
import { isDurable, type RoomEvent } from './events.ts';
import type { JoinedReply, JoinReply, MediaGrant } from './joinReply.ts';
import { RoomChannel } from './roomChannel.ts';
import type { RoomState } from './roomState.ts';
import { RoomStore } from './roomStore.ts';
import { actionsOf } from './session/actions.ts';
import { ChatLog } from './session/chatLog.ts';
import { Credentials } from './session/credentials.ts';
import { type Ended, endedBy, passes } from './session/endings.ts';
import { Expiring } from './session/expiring.ts';
import { type ControlledSource, LocalMediaControl, type Refusal } from './session/localMedia.ts';
import { MediaLink } from './session/mediaLink.ts';
import { noticeOf } from './session/notices.ts';
import { BROWSER, type SessionPorts } from './session/ports.ts';
import { mediaStats, QualityWatch } from './session/quality.ts';
import { Speaking } from './session/speaking.ts';
import { viewOf } from './session/view.ts';
import { authenticateWith } from './socket.ts';
import { type PushError, Topic } from './topic.ts';

const LEAVE_PATIENCE_MS = 2000;

export class RoomSession {
  readonly #roomId: string;
  readonly #intent: JoinIntent;
  readonly #ports: SessionPorts;
  readonly #emitter = new Emitter();
  readonly #credentials: Credentials;
  readonly #store = new RoomStore(() => void this.#catchUp());
  readonly #channel: RoomChannel;
  readonly #media: LocalMediaControl;
  readonly #link: MediaLink;
  readonly #chat: ChatLog;
  readonly #actions: RoomActions;
  readonly #speaking = new Speaking(() => this.#changed());
  readonly #notices = new Expiring<Notice>(5000, 5, () => this.#changed());
  readonly #reactions = new Expiring<Reaction>(4000, 30, () => this.#changed());
  readonly #quality = new QualityWatch(
    () => this.#link.stats(),
    () => this.#me,
    () => this.#changed(),
  );
  readonly #cleanups: (() => void)[] = [];
  #devices: DeviceLists = NO_DEVICES;
  #me: string | null = null;
  #joined = false;
  #everJoined = false;
  #waiting = false;
  #ended: Ended | null = null;
  #disposed = false;
  #leaving = false;
  #publishing = false;
  #shown: readonly Tile[] = [];
  #view: RoomHandle;

  constructor(roomId: string, intent: JoinIntent, ports: Partial<SessionPorts> = {}) {
    this.#roomId = roomId;
    this.#intent = intent;
    this.#ports = { ...BROWSER, ...ports };
    this.#credentials = new Credentials(roomId, intent, this.#ports.preferences, this.#ports.joinRoom);
    this.#media = new LocalMediaControl(this.#initialMedia(), {
      changed: () => this.#mediaChanged(),
      permit: (source) => this.#permit(source),
    });
    this.#channel = new RoomChannel(this.#ports.socket(), roomId, () => this.#joinParams(), {
      joined: (reply) => this.#onJoined(reply),
      refused: (error) => void this.#onRefused(error),
      event: (event) => this.#onEvent(event),
      down: () => this.#onDown(),
      closed: () => this.#finish({ reason: this.#leaving ? 'left' : 'failed' }),
      unreadable: () => void this.#catchUp(),
    });
    this.#chat = new ChatLog(
      (id, text) => this.#channel.pushDurable('chat_send', { text }, id),
      () => this.#changed(),
    );
    this.#link = this.#mediaLink();
    this.#actions = actionsOf({
      channel: this.#channel,
      chat: this.#chat,
      media: this.#media,
      preferences: this.#ports.preferences,
      handRaised: () => this.#me !== null && this.#state.hands.includes(this.#me),
      changed: () => this.#changed(),
      leave: () => this.#leave(),
      stats: () => this.#stats(),
      takeMediaBack: () => this.#link.takeBack(),
    });
    this.#view = this.#derive();
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#emitter.subscribe(listener);

  /** The same object until the next change. */
  readonly getSnapshot = (): RoomHandle => this.#view;

  get actions(): RoomActions {
    return this.#actions;
  }

  /** Goes in. Once per session. */
  start(): void {
    debugLogger.inRoom(this.#roomId);
    authenticateWith(() => this.#credentials.bearer);
    const refresh = () => void this.#refreshDevices();
    this.#cleanups.push(
      onDevicesChanged(refresh),
      this.#quality.start(),
      this.#store.subscribe(() => this.#changed()),
    );
    refresh();
    void this.#enter();
  }

  /** Lets go of everything without leaving the room: the member stays, reconnecting, for the grace time. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#release();
    this.#emitter.clear();
  }

  get #state(): RoomState {
    return this.#store.getSnapshot();
  }

  get #over(): boolean {
    return this.#disposed || this.#ended !== null;
  }

  async #enter(): Promise<void> {
    for (let tries = 1; !this.#over; tries += 1) {
      try {
        await this.#credentials.obtain();
        if (!this.#over) this.#channel.join();
        return;
      } catch (error) {
        const { code, message, retryAfterMs } =
          error instanceof ApiError ? error : new ApiError(0, 'failed', String(error));
        if (!passes(code)) return this.#finish(endedBy(code, message));
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs ?? backoff(tries, 300, 5000)));
      }
    }
  }

  #joinParams() {
    const { position, gap } = this.#state;
    return { ...this.#credentials.params(), ...(position === null || gap ? {} : { since: position }) };
  }

  #onJoined(reply: JoinReply): void {
    this.#me = reply.participantId;
    this.#waiting = reply.waiting;
    if (!reply.waiting) this.#onInside(reply);
    this.#changed();
  }

  #onInside(reply: JoinedReply): void {
    const first = !this.#everJoined;
    const newcomer = first && !this.#credentials.returning;
    this.#credentials.remember(reply.participantId, reply.resume);
    this.#rememberMedia();
    this.#everJoined = true;
    this.#setJoined(true);
    const { position, snapshot } = reply;
    if (snapshot !== null) this.#onEvent({ type: 'snapshot', answers: 'join', position, snapshot });
    reply.events.forEach((event) => this.#onEvent(event));
    this.#onEvent({ type: 'room_resumed', node: reply.node, position });
    if (first) this.#introduce(newcomer);
    void this.#link.use(reply.media);
  }

  #onDown(): void {
    this.#media.connectionLost();
    this.#link.pause();
    this.#setJoined(false);
  }

  /** A host's token was made before the name was asked for. */
  #introduce(newcomer: boolean): void {
    const { room, members } = this.#state;
    const me = members.find((member) => member.participantId === this.#me);
    const name = this.#intent.name.trim();
    if (newcomer && me !== undefined && name !== '' && me.name !== name) void this.#actions.rename(name);
    if (room !== null) this.#ports.preferences.rememberRoom(room.id, room.name);
    debugLogger.info('joined the room', { node: this.#state.node, returning: !newcomer });
  }

  async #onRefused(error: PushError): Promise<void> {
    debugLogger.warn('join refused', { reason: error.reason });
    // The secret is worth nothing any more, or the grace ran out while we were away.
    const stale = error.reason === 'unauthorized' || error.reason === 'not_joined';
    const pressed = !this.#everJoined && this.#intent.returning !== true;
    if (stale && !pressed) return this.#finish({ reason: 'lapsed' });
    if (stale && this.#credentials.giveUp()) return this.#enter();
    this.#finish(endedBy(error.reason, error.message));
  }

  #onEvent(event: RoomEvent): void {
    const before = this.#store.dispatch(event);
    const applied = before !== this.#state;
    this.#enforce(before);
    if (isDurable(event)) {
      const notice = applied && !this.#state.gap ? noticeOf(event, before, this.#me) : null;
      if (notice !== null) this.#notify(notice);
      if (event.type === 'room_ended') this.#finish({ reason: 'room_ended', message: event.reason });
      return;
    }
    switch (event.type) {
      case 'reaction':
        return this.#reactions.add({ from: event.from, name: this.#nameOf(event.from), emoji: event.emoji });
      case 'room_resumed':
        return this.#announce();
      case 'lobby_admitted':
        return this.#channel.rejoin();
      case 'lobby_refused':
        return this.#finish({ reason: 'refused', message: event.reason });
      case 'kicked':
        return this.#finish({
          reason: event.banned ? 'banned' : 'kicked',
          ...(event.by === undefined ? {} : { by: this.#nameOf(event.by) }),
        });
      case 'resume':
        if (this.#me !== null) this.#credentials.remember(this.#me, event.resume);
        return;
      case 'snapshot':
      case 'connection_changed':
      case 'media_changed':
      case 'data':
      case 'room_moving':
        return;
      default:
        return event satisfies never;
    }
  }

  #notify(notice: Omit<Notice, 'key'>): void {
    this.#notices.add(notice);
    const me = this.#state.members.find((member) => member.participantId === this.#me);
    const hosting = me?.role === 'host' || me?.role === 'moderator';
    if (notice.kind === 'hand_raised' && hosting && this.#ports.preferences.sounds) this.#ports.chime();
  }

  /** A moderator's new mark and a lost right switch off here, whatever the server does with the media. */
  #enforce(before: RoomState): void {
    const find = (state: RoomState) => state.members.find((member) => member.participantId === this.#me);
    const me = find(this.#state);
    const was = find(before);
    if (me === undefined || me === was) return;
    for (const source of ['microphone', 'camera', 'screen'] as const) {
      const marked = me.mutedByModerator.includes(source) && was?.mutedByModerator.includes(source) !== true;
      if (marked || !me.rights.includes(source)) this.#media.forceOff(source);
    }
  }

  async #permit(source: ControlledSource): Promise<Refusal | null> {
    const me = this.#state.members.find((member) => member.participantId === this.#me);
    if (me === undefined) return null;
    if (!me.rights.includes(source)) return 'not_allowed_by_moderator';
    if (!me.mutedByModerator.includes(source)) return null;
    if (!this.#channel.joined) return 'no_answer';
    return this.#channel.pushDurable('member_unmute', { source }).then(
      () => null,
      () => 'not_allowed_by_moderator',
    );
  }

  /** After a gap, until it is closed or the connection is gone (then the next join brings the snapshot). */
  async #catchUp(): Promise<void> {
    for (let tries = 1; this.#channel.joined && !this.#over; tries += 1) {
      try {
        this.#onEvent(await this.#channel.snapshot());
        if (!this.#state.gap) return;
      } catch (error) {
        debugLogger.warn('no snapshot', { error: String(error) });
      }
      await new Promise((resolve) => setTimeout(resolve, backoff(tries, 500, 4000)));
    }
  }

  #initialMedia() {
    const remembered = this.#credentials.returning ? this.#ports.preferences.roomMedia(this.#roomId) : null;
    return remembered ?? { microphone: this.#intent.microphone, camera: this.#intent.camera };
  }

  #mediaChanged(): void {
    if (!this.#over) this.#rememberMedia();
    this.#announce();
    void this.#refreshDevices();
    this.#changed();
  }

  /** For a reload: also when both are off, or the lobby's defaults would speak instead. */
  #rememberMedia(): void {
    const { microphone, camera } = this.#media.flags;
    this.#ports.preferences.rememberRoomMedia(this.#roomId, { microphone, camera });
  }

  #announce(): void {
    if (!this.#channel.joined || this.#waiting) return;
    this.#channel.push('media', this.#media.flags).catch(() => undefined);
  }

  #mediaLink(): MediaLink {
    return new MediaLink({
      create: this.#ports.createAdapter,
      config: (grant) => this.#sfuConfig(grant),
      attached: (adapter) => this.#attach(adapter),
      detached: () => this.#media.detach(),
      askAgain: () => {
        if (this.#channel.joined && !this.#over && !this.#leaving) this.#channel.rejoin();
      },
      changed: () => this.#changed(),
      callbacks: {
        participantsChanged: () => this.#changed(),
        speakers: (levels) => this.#speaking.hear(levels),
        sourceEnded: (source) => this.#sourceEnded(source),
      },
    });
  }

  #sfuConfig(grant: MediaGrant): SFUConfig {
    return {
      ...grant,
      roomId: this.#roomId,
      participantId: this.#me ?? '',
      devices: this.#ports.devices,
      signalling: (params, handlers) => new Topic(this.#ports.socket(), `sfu:${this.#roomId}`, params, handlers),
    };
  }

  async #attach(adapter: SFUAdapter): Promise<void> {
    const { microphoneId, cameraId } = this.#intent;
    const chosen = this.#ports.preferences.devices;
    await adapter.selectDevice('microphone', microphoneId ?? chosen.microphoneId);
    await adapter.selectDevice('camera', cameraId ?? chosen.cameraId);
    await this.#media.attach(adapter);
  }

  #sourceEnded(source: Source): void {
    if (source !== 'screen_audio') this.#media.ended(source);
  }

  async #refreshDevices(): Promise<void> {
    this.#devices = await listDevices();
    this.#changed();
  }

  async #stats(): Promise<MediaStats | null> {
    const stats = await this.#link.stats();
    return stats === null ? null : mediaStats(stats, (id) => this.#nameOf(id));
  }

  async #leave(): Promise<void> {
    if (this.#over || this.#leaving) return;
    this.#leaving = true;
    const goodbye = this.#channel.pushDurable('leave', {}).catch(() => undefined);
    // From here on nothing of us is seen or heard, answered or not.
    this.#link.dispose();
    // Nobody hears a goodbye from the door, or without a connection.
    const patience = this.#joined ? LEAVE_PATIENCE_MS : 0;
    await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, patience))]);
    this.#finish({ reason: 'left' });
  }

  #finish(ended: Ended): void {
    if (this.#over) return;
    debugLogger.info('out of the room', { reason: ended.reason });
    this.#ended = ended;
    this.#waiting = false;
    this.#joined = false;
    // Who finds its place taken may come back as who it was when another is free.
    if (ended.reason !== 'full') this.#credentials.forget();
    this.#release();
    this.#changed();
  }

  #release(): void {
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#link.dispose();
    this.#channel.close();
    this.#speaking.dispose();
    this.#notices.dispose();
    this.#reactions.dispose();
    debugLogger.inRoom(null);
  }

  #nameOf(participantId: string): string {
    return this.#state.members.find((member) => member.participantId === participantId)?.name ?? '';
  }

  #setJoined(joined: boolean): void {
    this.#joined = joined;
    this.#changed();
  }

  /** Many changes in one turn are one new view. */
  #changed(): void {
    if (this.#publishing || this.#disposed) return;
    this.#publishing = true;
    queueMicrotask(() => {
      this.#publishing = false;
      if (this.#disposed) return;
      this.#view = this.#derive();
      this.#shown = this.#view.tiles;
      this.#emitter.emit();
    });
  }

  #derive(): RoomHandle {
    const me = this.#state.members.find((member) => member.participantId === this.#me) ?? null;
    return viewOf({
      state: this.#state,
      me: this.#me,
      joined: this.#joined,
      everJoined: this.#everJoined,
      waiting: this.#waiting,
      ended: this.#ended,
      media: this.#link.phase,
      chat: this.#chat.merged(this.#state.chat, me),
      reactions: this.#reactions.items,
      notices: this.#notices.items,
      flags: this.#media.flags,
      problem: this.#media.problem,
      devices: this.#devices,
      chosen: this.#ports.preferences.devices,
      local: this.#link.local,
      remote: this.#link.remote,
      speaking: this.#speaking.now,
      quality: this.#quality.now,
      sounds: this.#ports.preferences.sounds,
      shown: this.#shown,
      actions: this.#actions,
    });
  }
}
