/** The lobby with its behaviour: the preview, what is known of the room, and what is remembered of the choices. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { Lobby, type LobbyRoom } from '../../components/lobby/Lobby.tsx';
import type { Problem } from '../../components/lobby/ProblemNote.tsx';
import { EndedView } from '../../components/room/EndedView.tsx';
import type { JoinIntent } from '../../types/roomHandle.ts';
import { useLocalPreview } from '../../hooks/useLocalPreview.ts';
import { api, ApiError, type RoomSummary } from '../../services/api.ts';
import { preferences, type DeviceChoice } from '../../services/preferences.ts';
import { PageFrame } from '../frame/PageFrame.tsx';

const REFRESH_MS = 5000;

export interface LobbyStepProps {
  roomId: string;
  link: string;
  passwordWrong: boolean;
  /** Thrown out of the call by a long absence: what was on then. Nothing else comes on by itself. */
  lapsed: DeviceChoice | null;
  onJoin: (intent: JoinIntent) => void;
}

export function LobbyStep(props: LobbyStepProps) {
  const navigate = useNavigate();
  const room = useQuery({
    queryKey: ['room', props.roomId],
    queryFn: () => api.getRoom(props.roomId),
    refetchInterval: REFRESH_MS,
    retry: (tries, error) => !(error instanceof ApiError && error.status >= 400 && error.status < 500) && tries < 3,
  });
  const missing =
    room.data === undefined &&
    room.error instanceof ApiError &&
    (room.error.status === 404 || room.error.code === 'not_found');
  const over = room.data?.ended === true || (room.error instanceof ApiError && room.error.code === 'ended');
  if (!missing && !over) return <Mirror {...props} room={room.data ?? null} lookupFailed={room.isError} />;
  return (
    <PageFrame title="">
      <EndedView
        ended={{ reason: missing ? 'not_found' : 'room_ended' }}
        onAgain={() => void room.refetch()}
        onHome={() => void navigate({ to: '/' })}
      />
    </PageFrame>
  );
}

interface MirrorProps extends LobbyStepProps {
  room: RoomSummary | null;
  /** The last question about the room was not answered. */
  lookupFailed: boolean;
}

function Mirror({ roomId, link, passwordWrong, lapsed, onJoin, room, lookupFailed }: MirrorProps) {
  const preview = useLocalPreview(lapsed ?? preferences.choice);
  const [speakerId, setSpeakerId] = useState(preferences.devices.speakerId);
  const problems = (['camera', 'microphone'] as const).flatMap((source): Problem[] => {
    const cause = preview.problems[source];
    return cause === undefined ? [] : [{ source, cause }];
  });

  const join = (name: string, password: string | null) => {
    const { microphone, camera, microphoneId, cameraId } = preview;
    preferences.name = name;
    preferences.choice = { microphone, camera };
    // The choice made here counts, not what was on when this tab was last inside.
    preferences.rememberRoomMedia(roomId, { microphone, camera });
    preview.handOver();
    onJoin({ name, microphone, camera, microphoneId, cameraId, ...(password === null ? {} : { password }) });
  };

  return (
    <PageFrame title={room?.name ?? ''}>
      <Lobby
        key={passwordWrong ? 'again' : 'first'}
        room={room === null ? null : roomFacts(room)}
        lookupFailed={lookupFailed}
        lapsed={lapsed !== null}
        initialName={preferences.name}
        passwordWrong={passwordWrong}
        passwordNeeded={preferences.identity(roomId).token === undefined}
        link={link}
        stream={preview.stream}
        microphone={preview.microphone}
        camera={preview.camera}
        level={preview.level}
        problems={problems}
        devices={preview.devices}
        microphoneId={preview.microphoneId}
        cameraId={preview.cameraId}
        speakerId={speakerId}
        onMicrophone={(on) => void preview.setMicrophone(on)}
        onCamera={(on) => void preview.setCamera(on)}
        onSelectMicrophone={(id) => void preview.selectMicrophone(id)}
        onSelectCamera={(id) => void preview.selectCamera(id)}
        onSelectSpeaker={(id) => {
          preferences.devices = { ...preferences.devices, speakerId: id };
          setSpeakerId(id);
        }}
        onJoin={join}
      />
    </PageFrame>
  );
}

function roomFacts({ name, members, locked, lobby, has_password }: RoomSummary): LobbyRoom {
  return { name, members, locked, lobby, hasPassword: has_password };
}
