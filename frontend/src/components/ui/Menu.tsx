/** A button that opens a menu. Sections may hold a choice of one (`selected`) or plain actions. */
import { Check } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { Header, Menu as AriaMenu, MenuItem, MenuSection, MenuTrigger, Popover } from 'react-aria-components';

import { cx } from './cx.ts';
import styles from './Menu.module.css';
import { useSurface } from './surface.ts';

export interface MenuEntry {
  id: string;
  label: string;
  icon?: ReactNode;
  shortcut?: string;
  danger?: boolean;
  testId?: string;
}

export interface MenuGroup {
  id: string;
  title?: string;
  entries: MenuEntry[];
  /** Side by side instead of one below the other: icons only, whose labels are for those who listen. */
  inRow?: boolean;
  /** Given for a choice of one: the id of what is chosen now. */
  selected?: string | null;
  onChoose: (id: string) => void;
}

export interface MenuProps {
  label: string;
  trigger: ReactElement;
  groups: MenuGroup[];
  placement?: 'top' | 'top start' | 'top end' | 'bottom start' | 'bottom end';
}

export function Menu({ label, trigger, groups, placement = 'top' }: MenuProps) {
  const surface = useSurface();
  return (
    <MenuTrigger>
      {trigger}
      <Popover {...surface} placement={placement} offset={8} className={styles['popover'] ?? ''}>
        <AriaMenu aria-label={label} className={styles['menu'] ?? ''}>
          {groups.map((group) => (
            <Section key={group.id} group={group} label={label} />
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

function Section({ group, label }: { group: MenuGroup; label: string }) {
  const choice = group.selected !== undefined;
  // A menu wants keys that differ in all its sections, and browsers call the standard device of every kind `default`.
  const keyOf = (id: string) => `${group.id}/${id}`;
  return (
    <MenuSection
      id={group.id}
      aria-label={group.title ?? label}
      selectionMode={choice ? 'single' : 'none'}
      selectedKeys={choice && group.selected != null ? [keyOf(group.selected)] : []}
      className={cx(styles['section'], group.inRow === true && styles['inRow'])}
    >
      {group.title !== undefined && <Header className={styles['title'] ?? ''}>{group.title}</Header>}
      {group.entries.map((entry) => (
        <MenuItem
          key={entry.id}
          id={keyOf(entry.id)}
          textValue={entry.label}
          {...(group.inRow === true ? { 'aria-label': entry.label } : {})}
          onAction={() => {
            group.onChoose(entry.id);
          }}
          data-testid={entry.testId}
          className={cx(styles['item'], entry.danger === true && styles['danger'])}
        >
          {({ isSelected }) =>
            group.inRow === true ? (
              entry.icon
            ) : (
              <>
                <span className={styles['icon']}>
                  {choice ? isSelected && <Check size={16} aria-hidden /> : entry.icon}
                </span>
                <span className={styles['label']}>{entry.label}</span>
                {entry.shortcut !== undefined && <kbd>{entry.shortcut}</kbd>}
              </>
            )
          }
        </MenuItem>
      ))}
    </MenuSection>
  );
}
