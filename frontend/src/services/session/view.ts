/** The session as the page sees it: one immutable {@link RoomHandle} per change. */
import type { SFUParticipant } from '../../adapters/sfu/types.ts';
import type {
  ChatMessage,
  ConnectionPhase,
  LocalMedia,
  MediaPhase,
  Notice,
  Reaction,
  RoomActions,
  RoomHandle,
  Tile,
} from '../../types/roomHandle.ts';
import type { DeviceLists } from '../devices.ts';
import type { ChosenDevices } from '../preferences.ts';
import type { RoomState } from '../roomState.ts';

import type { Ended } from './endings.ts';
import type { MediaFlags } from './localMedia.ts';
import { reuse, tiles } from './tiles.ts';

export interface ViewParts {
  state: RoomState;
  me: string | null;
  joined: boolean;
  everJoined: boolean;
  waiting: boolean;
  ended: Ended | null;
  media: MediaPhase;
  chat: ChatMessage[];
  reactions: Reaction[];
  notices: Notice[];
  flags: MediaFlags;
  problem: LocalMedia['problem'];
  devices: DeviceLists;
  chosen: ChosenDevices;
  local: SFUParticipant | null;
  remote: SFUParticipant[];
  speaking: ReadonlySet<string>;
  quality: ReadonlyMap<string, Tile['quality']>;
  sounds: boolean;
  /** The tiles of the view before this one. */
  shown: readonly Tile[];
  actions: RoomActions;
}

export function viewOf(parts: ViewParts): RoomHandle {
  const { state, me, flags } = parts;
  const members = [...state.members];
  return {
    connection: phase(parts),
    media: parts.media,
    ended: parts.ended,
    waiting: parts.waiting,
    room:
      state.room === null
        ? null
        : {
            id: state.room.id,
            name: state.room.name,
            locked: state.room.locked,
            lobby: state.room.lobby,
            createdAt: state.room.createdAt,
          },
    node: state.node,
    me: members.find((member) => member.participantId === me) ?? null,
    members,
    hands: [...state.hands],
    chat: parts.chat,
    tiles: reuse(
      parts.shown,
      tiles({
        me,
        members,
        hands: state.hands,
        local: parts.local,
        remote: parts.remote,
        switches: flags,
        speaking: parts.speaking,
        quality: parts.quality,
      }),
    ),
    reactions: parts.reactions,
    notices: parts.notices,
    local: { ...flags, ...parts.chosen, problem: parts.problem, devices: parts.devices },
    sounds: parts.sounds,
    actions: parts.actions,
  };
}

function phase({ ended, everJoined, joined, state }: ViewParts): ConnectionPhase {
  if (ended !== null) return 'ended';
  if (!everJoined) return 'connecting';
  if (!joined) return 'reconnecting';
  return state.moving ? 'moving' : 'connected';
}
