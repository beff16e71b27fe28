/** Who is on the stage: a pure join of the roster (who is here) with the media (what arrives). */
import type { SFUParticipant, Source } from '../../adapters/sfu/types.ts';
import type { LocalMedia, Member, Tile } from '../../types/roomHandle.ts';

export interface Stage {
  me: string | null;
  members: readonly Member[];
  hands: readonly string[];
  local: SFUParticipant | null;
  remote: readonly SFUParticipant[];
  /** What the own switches say; others hear of it only afterwards. */
  switches: Pick<LocalMedia, 'microphone' | 'camera' | 'screen'>;
  speaking: ReadonlySet<string>;
  quality: ReadonlyMap<string, Tile['quality']>;
}

/** Own tile first, then by joining; a screen stands right before the person who shows it. Viewers have no tile. */
export function tiles(stage: Stage): Tile[] {
  const media = new Map(stage.remote.map((participant) => [participant.id, participant]));
  const shown = stage.members.filter((member) => member.role !== 'viewer');
  const order = (member: Member) => (member.participantId === stage.me ? 0 : 1);
  return [...shown]
    .sort((a, b) => order(a) - order(b) || a.joinedAt - b.joinedAt || a.participantId.localeCompare(b.participantId))
    .flatMap((member) =>
      tilesOf(
        stage,
        member,
        member.participantId === stage.me ? stage.local : (media.get(member.participantId) ?? null),
      ),
    );
}

/** The tiles as they were where nothing about them changed, so that a picture is not drawn again for another's sake. */
export function reuse(before: readonly Tile[], now: Tile[]): Tile[] {
  const known = new Map(before.map((tile) => [tile.key, tile]));
  const tiles = now.map((tile) => {
    const old = known.get(tile.key);
    const same = old !== undefined && (Object.keys(tile) as (keyof Tile)[]).every((key) => tile[key] === old[key]);
    return same ? old : tile;
  });
  const unchanged = tiles.length === before.length && tiles.every((tile, index) => tile === before[index]);
  return unchanged ? (before as Tile[]) : tiles;
}

function tilesOf(stage: Stage, member: Member, media: SFUParticipant | null): Tile[] {
  const local = member.participantId === stage.me;
  const on = local ? stage.switches : member.media;
  const muted = (source: Source) => member.mutedByModerator.includes(source);
  const camera = stream(media, 'camera');
  const person: Tile = {
    key: member.participantId,
    participantId: member.participantId,
    name: member.name,
    local,
    screen: false,
    stream: on.camera ? camera : null,
    audio: local ? null : stream(media, 'microphone'),
    microphoneOn: on.microphone && !muted('microphone'),
    cameraOn: on.camera && !muted('camera'),
    speaking: on.microphone && stage.speaking.has(member.participantId),
    handRaised: stage.hands.includes(member.participantId),
    state: member.state,
    quality: stage.quality.get(member.participantId) ?? 'unknown',
  };
  if (!on.screen) return [person];
  const screen: Tile = {
    ...person,
    key: `${member.participantId}:screen`,
    screen: true,
    stream: stream(media, 'screen'),
    audio: local ? null : stream(media, 'screen_audio'),
    speaking: false,
    handRaised: false,
  };
  return [screen, person];
}

function stream(media: SFUParticipant | null, source: Source): MediaStream | null {
  const track = media?.tracks.get(source);
  return track === undefined || track.muted ? null : track.stream;
}
