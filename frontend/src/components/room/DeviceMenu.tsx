/** The small arrow beside a device button: which device to use. */
import { ChevronUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { IconButton } from '../ui/IconButton.tsx';
import { Menu } from '../ui/Menu.tsx';
import { useDeviceOptions } from '../ui/useDeviceOptions.ts';
import styles from './DeviceMenu.module.css';

export interface DeviceGroup {
  id: string;
  title: string;
  devices: MediaDeviceInfo[];
  selected: string | null;
  onSelect: (deviceId: string) => void;
}

export function DeviceMenu({ label, groups }: { label: string; groups: DeviceGroup[] }) {
  return (
    <Menu
      label={label}
      trigger={
        <IconButton
          label={label}
          kind="control"
          className={styles['arrow']}
          icon={<ChevronUp size={16} aria-hidden />}
        />
      }
      groups={useDeviceGroups(groups)}
    />
  );
}

/** As sections of a menu; a kind of device that is absent still says so. */
export function useDeviceGroups(groups: DeviceGroup[]) {
  const { t } = useTranslation();
  const options = useDeviceOptions();
  return groups.map((group) => ({
    id: group.id,
    title: group.title,
    entries: group.devices.length > 0 ? options(group.devices) : [{ id: 'none', label: t('lobby.noDevices') }],
    selected: group.selected ?? group.devices[0]?.deviceId ?? null,
    onChoose: (id: string) => {
      if (id !== 'none') group.onSelect(id);
    },
  }));
}
