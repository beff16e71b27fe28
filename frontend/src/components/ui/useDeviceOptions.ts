/** Devices as options of a list. Before permission is given browsers hide the names: then they are numbered. */
import { useTranslation } from 'react-i18next';

export function useDeviceOptions(): (devices: MediaDeviceInfo[]) => Array<{ id: string; label: string }> {
  const { t } = useTranslation();
  return (devices) =>
    devices.map((device, index) => ({
      id: device.deviceId === '' ? `unnamed-${index}` : device.deviceId,
      label: device.label === '' ? t('lobby.unnamedDevice', { number: index + 1 }) : device.label,
    }));
}
