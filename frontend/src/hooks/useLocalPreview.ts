/** The preview of the lobby step. Its tracks stop when it goes away, unless they were handed over. */
import { useEffect, useState, useSyncExternalStore } from 'react';

import type { DeviceLists } from '../services/devices.ts';
import { LocalPreview, type PreviewView } from '../services/localPreview.ts';

import { useDevices } from './useDevices.ts';

export interface LocalPreviewHandle extends PreviewView {
  devices: DeviceLists;
  setMicrophone(enabled: boolean): Promise<void>;
  setCamera(enabled: boolean): Promise<void>;
  selectMicrophone(deviceId: string): Promise<void>;
  selectCamera(deviceId: string): Promise<void>;
  /** Call on joining, so that the room takes the running tracks. */
  handOver(): void;
}

/** `initial` is what the user had on the last time; the browser still asks before it gives anything. */
export function useLocalPreview(initial: { microphone: boolean; camera: boolean }): LocalPreviewHandle {
  const [preview] = useState(() => new LocalPreview());
  const [first] = useState(initial);
  const view = useSyncExternalStore(preview.subscribe, preview.getSnapshot);
  const devices = useDevices(view.microphone || view.camera);
  useEffect(() => {
    if (first.microphone) void preview.setEnabled('microphone', true);
    if (first.camera) void preview.setEnabled('camera', true);
    return () => preview.stop();
  }, [preview, first]);
  return {
    ...view,
    devices,
    setMicrophone: (enabled) => preview.setEnabled('microphone', enabled),
    setCamera: (enabled) => preview.setEnabled('camera', enabled),
    selectMicrophone: (deviceId) => preview.select('microphone', deviceId),
    selectCamera: (deviceId) => preview.select('camera', deviceId),
    handOver: () => preview.handOver(),
  };
}
