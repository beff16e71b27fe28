/**
 * Media through the node itself, signalled on topic `sfu:<id>`. This file joins the parts: the topic grants a peer, the peer carries
 * lines, the offer queue negotiates them, the slot table says who is on which. A lost socket leaves the peer alone; a
 * lost peer is rebuilt around the tracks that are on, and only those.
 */
import { debugLogger } from '../../services/debugLogger.ts';

import { OfferQueue } from './embedded/offers.ts';
import { MediaPeer, type PeerConnectionFactory } from './embedded/peerConnection.ts';
import { Recovery } from './embedded/recovery.ts';
import { Slots } from './embedded/slots.ts';
import {
  parseAnswer,
  parsePeerGrant,
  parseReset,
  parseSlotCount,
  parseSlotTable,
  parseSpeakers,
  type PeerGrant,
  type PeerId,
} from './embedded/wire.ts';
import { LocalTracks } from './localTracks.ts';
import { StatsMeter } from './statsMeter.ts';
import type {
  DeviceSource,
  SFUAdapter,
  SFUCallbacks,
  SFUConfig,
  SFUParticipant,
  SFUState,
  SFUStats,
  Signalling,
  Source,
} from './types.ts';

/** Refusals of a join that only a new join of the room can mend: the grant is void, or the media room is gone. */
const EXPIRED = new Set(['unauthorized', 'not_found']);

/** Everything that dies with a peer. */
interface Link {
  id: PeerId;
  media: MediaPeer;
  offers: OfferQueue;
}

interface Session {
  participantId: string;
  grant: { token: string };
  callbacks: SFUCallbacks;
  topic: Signalling;
  local: LocalTracks;
}

export class EmbeddedAdapter implements SFUAdapter {
  readonly #create: PeerConnectionFactory;
  readonly #slots = new Slots();
  readonly #meter = new StatsMeter();
  readonly #recovery = new Recovery({
    restartIce: () => this.#link?.offers.request({ iceRestart: true }),
    rebuild: () => this.#rebuild(),
  });
  #session: Session | null = null;
  #link: Link | null = null;
  /** The peer to re-attach; null asks for a new one. */
  #peer: PeerId | null = null;
  #state: SFUState = 'closed';
  #wasConnected = false;

  constructor(create: PeerConnectionFactory = (config) => new RTCPeerConnection(config)) {
    this.#create = create;
  }

  connect(config: SFUConfig, callbacks: SFUCallbacks): Promise<void> {
    const grant = { token: config.token };
    const topic = config.signalling(
      () => ({ token: grant.token, ...(this.#peer === null ? {} : { peer: this.#peer }) }),
      {
        joined: (reply) => this.#guard(() => this.#joined(parsePeerGrant(reply))),
        refused: (error) => this.#refused(error),
        event: (name, payload) => this.#guard(() => this.#event(name, payload)),
        down: () => undefined,
        closed: () => this.#setState('closed'),
      },
    );
    const local = new LocalTracks(config.devices, {
      changed: (source, track) => this.#localChanged(source, track),
      ended: (source) => callbacks.sourceEnded(source),
    });
    this.#session = { participantId: config.participantId, grant, callbacks, topic, local };
    this.#setState('connecting');
    topic.open();
    return Promise.resolve();
  }

  disconnect(): Promise<void> {
    const session = this.#session;
    // First: whoever leaves does not report each source on its way out.
    this.#session = null;
    session?.local.stopAll();
    this.#recovery.settled();
    this.#dropLink();
    if (session !== null) {
      if (session.topic.joined) session.topic.push('leave', {}).catch(() => undefined);
      session.topic.close();
    }
    this.#peer = null;
    this.#state = 'closed';
    return Promise.resolve();
  }

  renew(grant: { token: string }): void {
    if (this.#session === null) return;
    this.#session.grant.token = grant.token;
    // Spaced like any other new peer: a grant that is refused again at once must not become a race of rejoins.
    if (this.#state === 'expired') this.#recovery.rebuildSoon();
  }

  resume(): void {
    if (this.#state !== 'replaced' && this.#state !== 'failed') return;
    this.#recovery.forgive();
    this.#recovery.settled();
    this.#rebuild();
  }

  setAudioEnabled(enabled: boolean): Promise<void> {
    return this.#switch('microphone', enabled);
  }

  setVideoEnabled(enabled: boolean): Promise<void> {
    return this.#switch('camera', enabled);
  }

  async setScreenEnabled(enabled: boolean): Promise<void> {
    const local = this.#session?.local;
    if (enabled) return local?.shareScreen();
    local?.switchOff('screen');
    local?.switchOff('screen_audio');
  }

  async selectDevice(source: DeviceSource, deviceId: string | null): Promise<void> {
    await this.#session?.local.select(source, deviceId);
  }

  getLocalParticipant(): SFUParticipant | null {
    return this.#session?.local.asParticipant(this.#session.participantId) ?? null;
  }

  getRemoteParticipants(): SFUParticipant[] {
    return this.#link === null ? [] : this.#slots.participants(this.#link.media.receiving);
  }

  async getStats(): Promise<SFUStats | null> {
    if (this.#link === null) return null;
    const report = await this.#link.media.pc.getStats();
    return this.#meter.read([
      { scope: '', report, owner: (mid) => (mid === undefined ? null : this.#slots.owner(mid)) },
    ]);
  }

  async #switch(source: DeviceSource, enabled: boolean): Promise<void> {
    if (enabled) await this.#session?.local.switchOn(source);
    else this.#session?.local.switchOff(source);
  }

  #joined(grant: PeerGrant): void {
    const link = this.#link;
    if (grant.resumed && link?.id === grant.peer) {
      this.#tellMuted(link);
      const state = link.media.pc.connectionState;
      if (state === 'disconnected' || state === 'failed') link.offers.request({ iceRestart: true });
      else link.offers.resume();
      return;
    }
    this.#build(grant);
  }

  #build(grant: PeerGrant): void {
    const session = this.#session;
    if (session === null) return;
    this.#dropLink();
    this.#recovery.settled();
    this.#setState(this.#trying());
    const media = new MediaPeer(this.#create, grant.iceServers, grant.slots, (state) => this.#transport(link, state));
    const offers = new OfferQueue({
      exchange: async (gen, iceRestart) => {
        const sdp = await media.offer(iceRestart);
        return parseAnswer(await session.topic.push('offer', { gen, sdp, tracks: media.outgoing }));
      },
      accept: async (sdp) => {
        await media.accept(sdp);
        this.#tellMuted(link);
        session.callbacks.participantsChanged();
      },
      broken: (error) => {
        debugLogger.warn('media negotiation failed', { error: String(error) });
        this.#recovery.rebuildSoon();
      },
    });
    const link: Link = { id: grant.peer, media, offers };
    this.#link = link;
    this.#peer = grant.peer;
    this.#carryOver(session.local, media);
    offers.request();
  }

  /** What is on goes to the new peer; what is off has a line and nothing on it. */
  #carryOver(local: LocalTracks, media: MediaPeer): void {
    for (const source of local.asParticipant('').tracks.keys()) {
      media.ensureSender(source);
      this.#send(media, source, local.get(source));
    }
  }

  #localChanged(source: Source, track: MediaStreamTrack | null): void {
    const link = this.#link;
    if (link !== null) {
      const isNew = link.media.ensureSender(source);
      this.#send(link.media, source, track);
      if (isNew) link.offers.request();
      else this.#tell(source, track === null);
    }
    this.#session?.callbacks.participantsChanged();
  }

  #send(media: MediaPeer, source: Source, track: MediaStreamTrack | null): void {
    media
      .send(source, track)
      .catch((error: unknown) => debugLogger.warn('track not sent', { source, error: String(error) }));
  }

  #tellMuted(link: Link): void {
    for (const source of link.media.sources) this.#tell(source, this.#session?.local.get(source) == null);
  }

  /** Repeated after each answer and rejoin, so a lost one does not matter. */
  #tell(source: Source, muted: boolean): void {
    const topic = this.#session?.topic;
    if (topic?.joined !== true) return;
    topic
      .push('mute', { source, muted })
      .catch((error: unknown) => debugLogger.debug('mute not told', { source, error: String(error) }));
  }

  #event(name: string, payload: unknown): void {
    const session = this.#session;
    if (session === null) return;
    switch (name) {
      case 'slots':
        if (this.#slots.take(parseSlotTable(payload))) session.callbacks.participantsChanged();
        return;
      case 'need_slots':
        this.#link?.media.addReceivers(parseSlotCount(payload));
        this.#link?.offers.request();
        return;
      case 'speakers':
        session.callbacks.speakers(parseSpeakers(payload));
        return;
      case 'reset':
        this.#peer = null;
        if (parseReset(payload) === 'replaced') this.#replaced(session);
        else this.#recovery.rebuildSoon();
        return;
      default:
        return;
    }
  }

  /** Two pages of one participant: the newer has the media, and taking it back unasked would go on for ever. */
  #replaced(session: Session): void {
    session.topic.close();
    this.#recovery.settled();
    this.#dropLink();
    session.callbacks.participantsChanged();
    this.#setState('replaced');
  }

  #refused(error: Error & { reason: string }): void {
    debugLogger.warn('media join refused', { reason: error.reason });
    const session = this.#session;
    if (session === null) return;
    if (EXPIRED.has(error.reason)) {
      // The same token again would be refused again.
      session.topic.close();
      this.#recovery.settled();
      this.#recovery.count();
      this.#peer = null;
      this.#setState('expired');
      return;
    }
    this.#recovery.count();
    if (this.#state !== 'connected') this.#setState(this.#trying());
  }

  #transport(link: Link, state: RTCPeerConnectionState): void {
    if (this.#link !== link) return;
    debugLogger.info('media transport', { state });
    this.#recovery.observe(state);
    if (state === 'connected') {
      this.#wasConnected = true;
      this.#setState('connected');
    } else if (state === 'disconnected' || state === 'failed') {
      this.#setState(this.#trying());
    }
  }

  #rebuild(): void {
    if (this.#session === null) return;
    this.#peer = null;
    this.#setState(this.#trying());
    this.#session.topic.restart();
  }

  /** What being without media looks like from outside while it is tried again. */
  #trying(): SFUState {
    if (this.#recovery.exhausted) return 'failed';
    return this.#wasConnected ? 'reconnecting' : 'connecting';
  }

  #dropLink(): void {
    this.#link?.offers.close();
    this.#link?.media.close();
    this.#link = null;
    this.#slots.reset();
  }

  #setState(state: SFUState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#session?.callbacks.stateChanged(state);
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      debugLogger.error('unreadable media message', { error: String(error) });
    }
  }
}
