/** As much of an RTCPeerConnection as the embedded adapter touches, without any network. */
import { FakeTrack } from './fakeMedia.ts';

export class FakeTransceiver {
  mid: string | null = null;
  readonly direction: RTCRtpTransceiverDirection;
  readonly receiver: { track: MediaStreamTrack };
  readonly sender = {
    track: null as MediaStreamTrack | null,
    replaceTrack: (track: MediaStreamTrack | null) => {
      this.sender.track = track;
      return Promise.resolve();
    },
  };

  constructor(kind: 'audio' | 'video', direction: RTCRtpTransceiverDirection) {
    this.direction = direction;
    this.receiver = { track: new FakeTrack(kind).asTrack() };
  }

  setCodecPreferences(): void {}
}

export class FakePeerConnection {
  static all: FakePeerConnection[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly lines: FakeTransceiver[] = [];
  readonly iceRestarts: boolean[] = [];
  closed = false;

  constructor() {
    FakePeerConnection.all.push(this);
  }

  static factory = () => new FakePeerConnection() as unknown as RTCPeerConnection;

  static get latest(): FakePeerConnection {
    const found = FakePeerConnection.all.at(-1);
    if (found === undefined) throw new Error('no peer connection was made');
    return found;
  }

  addTransceiver(kind: 'audio' | 'video', init: RTCRtpTransceiverInit): FakeTransceiver {
    const line = new FakeTransceiver(kind, init.direction ?? 'sendrecv');
    this.lines.push(line);
    return line;
  }

  getTransceivers(): FakeTransceiver[] {
    return this.lines;
  }

  createOffer(options: RTCOfferOptions = {}): Promise<RTCSessionDescriptionInit> {
    this.iceRestarts.push(options.iceRestart ?? false);
    return Promise.resolve({ type: 'offer', sdp: `offer-${this.iceRestarts.length}` });
  }

  setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.localDescription = { sdp: description.sdp ?? '' };
    this.lines.forEach((line, index) => (line.mid = String(index)));
    return Promise.resolve();
  }

  setRemoteDescription(): Promise<void> {
    if (this.connectionState === 'new') queueMicrotask(() => this.become('connected'));
    return Promise.resolve();
  }

  getStats(): Promise<RTCStatsReport> {
    return Promise.resolve(new Map() as unknown as RTCStatsReport);
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }

  /** What is on the wire now. */
  get sending(): MediaStreamTrack[] {
    return this.lines.flatMap((line) => (line.sender.track === null ? [] : [line.sender.track]));
  }
}
