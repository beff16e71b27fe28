/**
 * One RTCPeerConnection with a fixed plan: the own microphone and camera first, then pairs of receiving lines that people
 * come and go on without any new offer. Only a shared screen and more receiving lines need one.
 */
import type { Source } from '../types.ts';
import type { SlotCount } from './wire.ts';

export type PeerConnectionFactory = (config: RTCConfiguration) => RTCPeerConnection;

const KIND: Record<Source, 'audio' | 'video'> = {
  microphone: 'audio',
  camera: 'video',
  screen: 'video',
  screen_audio: 'audio',
};
const BITRATE: Record<Source, number> = {
  microphone: 40_000,
  camera: 1_200_000,
  screen: 2_500_000,
  screen_audio: 96_000,
};
const CODECS = { audio: ['audio/opus'], video: ['video/vp8', 'video/rtx'] };

export class MediaPeer {
  readonly pc: RTCPeerConnection;
  readonly #senders = new Map<Source, RTCRtpTransceiver>();

  constructor(
    create: PeerConnectionFactory,
    iceServers: RTCIceServer[],
    slots: SlotCount,
    stateChanged: (state: RTCPeerConnectionState) => void,
  ) {
    this.pc = create({ iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    this.pc.onconnectionstatechange = () => stateChanged(this.pc.connectionState);
    this.ensureSender('microphone');
    this.ensureSender('camera');
    this.addReceivers(slots);
  }

  /** True when the line is new and has to be offered. */
  ensureSender(source: Source): boolean {
    if (this.#senders.has(source)) return false;
    const kind = KIND[source];
    const line = this.pc.addTransceiver(kind, {
      direction: 'sendonly',
      sendEncodings: [{ maxBitrate: BITRATE[source] }],
    });
    preferCodecs(line, kind);
    this.#senders.set(source, line);
    return true;
  }

  addReceivers(count: SlotCount): void {
    for (let i = 0; i < Math.max(count.audio, count.video); i += 1) {
      if (i < count.audio) preferCodecs(this.pc.addTransceiver('audio', { direction: 'recvonly' }), 'audio');
      if (i < count.video) preferCodecs(this.pc.addTransceiver('video', { direction: 'recvonly' }), 'video');
    }
  }

  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    await this.#senders.get(source)?.sender.replaceTrack(track);
  }

  /** The sources that have a line of their own. */
  get sources(): Source[] {
    return [...this.#senders.keys()];
  }

  async offer(iceRestart: boolean): Promise<string> {
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    return this.pc.localDescription?.sdp ?? '';
  }

  /** Known after {@link offer}. */
  get outgoing(): { mid: string; source: Source }[] {
    return [...this.#senders].flatMap(([source, line]) => (line.mid === null ? [] : [{ mid: line.mid, source }]));
  }

  async accept(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
  }

  readonly receiving = (mid: string): MediaStreamTrack | null => {
    const line = this.pc.getTransceivers().find((each) => each.mid === mid);
    return line === undefined || line.direction !== 'recvonly' ? null : line.receiver.track;
  };

  close(): void {
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
}

/** Fewer codecs, a third of the description: with all of them eight pairs take 53 kB. */
function preferCodecs(line: RTCRtpTransceiver, kind: 'audio' | 'video'): void {
  const offered = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = offered.filter((codec) => CODECS[kind].includes(codec.mimeType.toLowerCase()));
  if (wanted.length > 0) line.setCodecPreferences(wanted);
}
