/** What microphones, cameras and speakers there are, kept up to date. */
import { useEffect, useState } from 'react';

import { type DeviceLists, listDevices, NO_DEVICES, onDevicesChanged } from '../services/devices.ts';

/** Labels come with the first permission: change `permission` when one was given, and the lists are read again. */
export function useDevices(permission?: unknown): DeviceLists {
  const [devices, setDevices] = useState<DeviceLists>(NO_DEVICES);
  useEffect(() => {
    let current = true;
    const refresh = () =>
      void listDevices().then((lists) => {
        if (current) setDevices(lists);
      });
    refresh();
    const unsubscribe = onDevicesChanged(refresh);
    return () => {
      current = false;
      unsubscribe();
    };
  }, [permission]);
  return devices;
}
