/**
 * The voices of the others: one hidden `<audio>` per stream, on the chosen speaker. Browsers may refuse sound before the first
 * press on a page; then `onBlocked` tells, and a new `attempt` tries every element again inside that press.
 */
import { useEffect, useRef } from 'react';

import type { Tile } from '../../types/roomHandle.ts';

export interface RemoteAudioProps {
  tiles: Tile[];
  speakerId: string | null;
  attempt: number;
  onBlocked: () => void;
}

export function RemoteAudio({ tiles, speakerId, attempt, onBlocked }: RemoteAudioProps) {
  return (
    <div hidden>
      {tiles.map((tile) =>
        tile.audio === null ? null : (
          <Voice key={tile.key} stream={tile.audio} speakerId={speakerId} attempt={attempt} onBlocked={onBlocked} />
        ),
      )}
    </div>
  );
}

interface VoiceProps {
  stream: MediaStream;
  speakerId: string | null;
  attempt: number;
  onBlocked: () => void;
}

function Voice({ stream, speakerId, attempt, onBlocked }: VoiceProps) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (element === null) return;
    if (element.srcObject !== stream) element.srcObject = stream;
    element.play().catch((refusal: unknown) => {
      if (refusal instanceof DOMException && refusal.name === 'NotAllowedError') onBlocked();
    });
  }, [stream, attempt, onBlocked]);
  useEffect(() => {
    const element = audio.current;
    // Not in every browser; where it is missing the system's choice of speaker holds.
    if (element !== null && 'setSinkId' in element) void element.setSinkId(speakerId ?? '').catch(() => undefined);
  }, [speakerId]);
  return <audio ref={audio} autoPlay playsInline />;
}
