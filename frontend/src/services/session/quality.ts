/** A word for how well someone arrives, from what was lost since the last look. */
import type { SFUStats } from '../../adapters/sfu/types.ts';
import type { MediaStats, Tile } from '../../types/roomHandle.ts';

type Quality = Tile['quality'];
const LOOK_MS = 5000;

type Counters = Map<string, { lost: number; received: number }>;

export class QualityMeter {
  #last: Counters = new Map();

  /** By participant: the worst of their tracks. `me` is judged by the round trip. */
  judge(stats: SFUStats, me: string | null): Map<string, Quality> {
    const seen: Counters = new Map();
    const verdicts = new Map<string, Quality>();
    for (const track of stats.tracks) {
      const key = `${track.participantId}/${track.source}`;
      const before = this.#last.get(key) ?? { lost: 0, received: 0 };
      seen.set(key, { lost: track.packetsLost, received: track.packetsReceived });
      const verdict = byLoss(track.packetsLost - before.lost, track.packetsReceived - before.received);
      verdicts.set(track.participantId, worse(verdicts.get(track.participantId) ?? 'unknown', verdict));
    }
    if (me !== null) verdicts.set(me, byRoundTrip(stats.rttMs));
    this.#last = seen;
    return verdicts;
  }
}

/** Looks every few seconds while it is started. */
export class QualityWatch {
  readonly #meter = new QualityMeter();
  readonly #stats: () => Promise<SFUStats | null>;
  readonly #me: () => string | null;
  readonly #changed: () => void;
  #verdicts: ReadonlyMap<string, Quality> = new Map();

  constructor(stats: () => Promise<SFUStats | null>, me: () => string | null, changed: () => void) {
    this.#stats = stats;
    this.#me = me;
    this.#changed = changed;
  }

  get now(): ReadonlyMap<string, Quality> {
    return this.#verdicts;
  }

  /** Returns how to stop. */
  start(): () => void {
    const timer = setInterval(() => void this.#look(), LOOK_MS);
    return () => clearInterval(timer);
  }

  async #look(): Promise<void> {
    const stats = await this.#stats();
    if (stats === null) return;
    this.#verdicts = this.#meter.judge(stats, this.#me());
    this.#changed();
  }
}

/** The numbers for the statistics panel, by tile. */
export function mediaStats(stats: SFUStats, nameOf: (participantId: string) => string): MediaStats {
  return {
    rttMs: stats.rttMs,
    outboundKbps: stats.outboundKbps,
    inboundKbps: stats.inboundKbps,
    packetsLost: stats.packetsLost,
    tiles: stats.tracks
      .filter((track) => track.source === 'camera' || track.source === 'screen')
      .map((track) => ({
        key: track.source === 'screen' ? `${track.participantId}:screen` : track.participantId,
        name: nameOf(track.participantId),
        kbps: track.kbps,
        framesPerSecond: track.framesPerSecond,
        width: track.width,
        height: track.height,
        lost: track.packetsLost,
      })),
  };
}

function byLoss(lost: number, received: number): Quality {
  if (received <= 0) return 'unknown';
  const share = Math.max(0, lost) / (received + Math.max(0, lost));
  return share < 0.02 ? 'good' : share < 0.08 ? 'fair' : 'poor';
}

function byRoundTrip(rttMs: number | null): Quality {
  if (rttMs === null) return 'unknown';
  return rttMs < 200 ? 'good' : rttMs < 400 ? 'fair' : 'poor';
}

const RANK: Record<Quality, number> = { unknown: 0, good: 1, fair: 2, poor: 3 };

function worse(a: Quality, b: Quality): Quality {
  return RANK[a] >= RANK[b] ? a : b;
}
