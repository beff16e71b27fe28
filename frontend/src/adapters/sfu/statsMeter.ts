/** Rates from counters: what came and went since the last reading. */
import type { SFUStats, SFUTrackStats, Source } from './types.ts';

type Rates = Map<string, { bytes: number; at: number }>;

export interface StatsSource {
  /** Keeps the counters of several reports apart. */
  scope: string;
  report: RTCStatsReport;
  /** Whose an incoming counter is. */
  owner: (mid: string | undefined) => { participantId: string; source: Source } | null;
}

/** The part of an RTCStats that we read; all of it may be missing. */
interface Counter {
  id: string;
  type: string;
  timestamp: number;
  mid?: string;
  nominated?: boolean;
  currentRoundTripTime?: number;
  bytesSent?: number;
  bytesReceived?: number;
  packetsLost?: number;
  packetsReceived?: number;
  framesPerSecond?: number;
  frameWidth?: number;
  frameHeight?: number;
}

export class StatsMeter {
  #last: Rates = new Map();

  read(sources: StatsSource[]): SFUStats {
    const stats: SFUStats = { rttMs: null, outboundKbps: 0, inboundKbps: 0, packetsLost: 0, tracks: [] };
    const seen: Rates = new Map();
    for (const source of sources) {
      for (const counter of (source.report as unknown as ReadonlyMap<string, Counter>).values())
        this.#count(stats, counter, source, seen);
    }
    this.#last = seen;
    return stats;
  }

  #count(stats: SFUStats, counter: Counter, { scope, owner }: StatsSource, seen: Rates): void {
    const key = `${scope}/${counter.id}`;
    if (counter.type === 'candidate-pair' && counter.nominated === true && counter.currentRoundTripTime !== undefined) {
      stats.rttMs = counter.currentRoundTripTime * 1000;
    } else if (counter.type === 'outbound-rtp') {
      stats.outboundKbps += this.#rate(key, counter.timestamp, counter.bytesSent ?? 0, seen);
    } else if (counter.type === 'inbound-rtp') {
      const kbps = this.#rate(key, counter.timestamp, counter.bytesReceived ?? 0, seen);
      stats.inboundKbps += kbps;
      stats.packetsLost += counter.packetsLost ?? 0;
      const of = owner(counter.mid);
      if (of !== null) stats.tracks.push(trackStats(counter, of, kbps));
    }
  }

  /** Bits per millisecond are kilobits per second. */
  #rate(key: string, at: number, bytes: number, seen: Rates): number {
    const before = this.#last.get(key);
    seen.set(key, { bytes, at });
    if (before === undefined || at <= before.at) return 0;
    return Math.max(0, ((bytes - before.bytes) * 8) / (at - before.at));
  }
}

function trackStats(counter: Counter, of: { participantId: string; source: Source }, kbps: number): SFUTrackStats {
  return {
    participantId: of.participantId,
    source: of.source,
    kbps,
    framesPerSecond: counter.framesPerSecond ?? 0,
    width: counter.frameWidth ?? 0,
    height: counter.frameHeight ?? 0,
    packetsLost: counter.packetsLost ?? 0,
    packetsReceived: counter.packetsReceived ?? 0,
  };
}
