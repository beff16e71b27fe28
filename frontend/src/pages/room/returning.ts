/** Whether this page was reloaded in the middle of a call, and as whom. */
import type { JoinIntent } from '../../types/roomHandle.ts';
import { preferences } from '../../services/preferences.ts';

/** The room the document was opened at. Walking to a room inside the app is no reload, whatever the document's history. */
const openedAt = location.pathname;
const reloaded = navigationType() === 'reload';

export function returningIntent(roomId: string): JoinIntent | null {
  if (!reloaded || openedAt !== `/rooms/${roomId}` || !preferences.wasInside(roomId)) return null;
  const { microphoneId, cameraId } = preferences.devices;
  const media = preferences.roomMedia(roomId) ?? { microphone: false, camera: false };
  return {
    name: preferences.name,
    microphone: media.microphone,
    camera: media.camera,
    microphoneId,
    cameraId,
    returning: true,
  };
}

function navigationType(): string | null {
  const [entry] = performance.getEntriesByType('navigation');
  return entry !== undefined && 'type' in entry ? String(entry.type) : null;
}
