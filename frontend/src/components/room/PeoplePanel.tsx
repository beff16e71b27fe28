/** Who is here: raised hands first and in their order, then everyone by joining. Hosts and moderators act from here. */
import { Hand, Mic, MicOff, MoreVertical, Pencil, UserX, Video, VideoOff } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Member, RoomActions, Source } from '../../types/roomHandle.ts';
import { Initials } from '../stage/Initials.tsx';
import { Button } from '../ui/Button.tsx';
import { cx } from '../ui/cx.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { IconButton } from '../ui/IconButton.tsx';
import { Menu, type MenuEntry } from '../ui/Menu.tsx';
import { TextField } from '../ui/TextField.tsx';
import styles from './PeoplePanel.module.css';

export interface PeoplePanelProps {
  members: Member[];
  hands: string[];
  me: Member | null;
  actions: Pick<RoomActions, 'lowerHand' | 'muteMember' | 'kick' | 'rename'>;
}

export function PeoplePanel({ members, hands, me, actions }: PeoplePanelProps) {
  const { t } = useTranslation();
  const [removing, setRemoving] = useState<Member | null>(null);
  const raised = hands.flatMap((id) => members.filter((member) => member.participantId === id));
  const row = (member: Member, position?: number) => (
    <Row
      key={member.participantId}
      member={member}
      me={me}
      position={position}
      actions={actions}
      onRemove={setRemoving}
    />
  );
  return (
    <div className={styles['people']}>
      {raised.length > 0 && (
        <section aria-label={t('people.hands')}>
          <h3 className={styles['heading']}>{t('people.hands')}</h3>
          <ol>{raised.map((member, index) => row(member, index + 1))}</ol>
        </section>
      )}
      <section aria-label={t('people.inCall')}>
        <h3 className={styles['heading']}>
          {t('people.inCall')} <span className={styles['count']}>{members.length}</span>
        </h3>
        {members.length === 0 && <p className={styles['empty']}>{t('people.empty')}</p>}
        <ul>{members.map((member) => row(member))}</ul>
      </section>
      <RemoveDialog
        member={removing}
        onClose={() => {
          setRemoving(null);
        }}
        onConfirm={actions.kick}
      />
    </div>
  );
}

interface RowProps {
  member: Member;
  me: Member | null;
  position: number | undefined;
  actions: PeoplePanelProps['actions'];
  onRemove: (member: Member) => void;
}

function Row({ member, me, position, actions, onRemove }: RowProps) {
  const { t } = useTranslation();
  const [renaming, setRenaming] = useState(false);
  const own = member.participantId === me?.participantId;
  if (renaming) {
    return (
      <li className={styles['row']}>
        <Rename
          name={member.name}
          onDone={(name) => {
            setRenaming(false);
            if (name !== null && name !== member.name) void actions.rename(name);
          }}
        />
      </li>
    );
  }
  return (
    <li className={styles['row']} data-state={member.state}>
      <span className={styles['face']}>
        <Initials name={member.name} />
      </span>
      <span className={styles['who']}>
        <span className={styles['name']}>{own ? t('tile.self', { name: member.name }) : member.name}</span>
        <Note member={member} position={position} />
      </span>
      {position === undefined ? <Devices member={member} /> : <LowerHand member={member} me={me} actions={actions} />}
      {position === undefined && own && (
        <IconButton
          label={t('people.rename')}
          icon={<Pencil size={16} aria-hidden />}
          placement="left"
          onPress={() => {
            setRenaming(true);
          }}
        />
      )}
      {position === undefined && !own && outranks(me, member) && (
        <Actions member={member} actions={actions} onRemove={onRemove} />
      )}
    </li>
  );
}

function Note({ member, position }: { member: Member; position: number | undefined }) {
  const { t } = useTranslation();
  const notes = [
    position !== undefined && t('people.hand', { position }),
    member.role !== 'participant' && t(`people.role_${member.role}`),
    member.state === 'reconnecting' && t('people.reconnecting'),
    member.mutedByModerator.length > 0 && t('people.mutedByHost'),
  ].filter((note) => note !== false);
  return notes.length === 0 ? null : <span className={styles['note']}>{notes.join(' · ')}</span>;
}

function Devices({ member: { media } }: { member: Member }) {
  const { t } = useTranslation();
  const microphone = t(media.microphone ? 'people.microphoneOn' : 'people.microphoneOff');
  const camera = t(media.camera ? 'people.cameraOn' : 'people.cameraOff');
  const icon = (on: boolean, yes: ReactNode, no: ReactNode) => (
    <span className={cx(styles['device'], !on && styles['off'])}>{on ? yes : no}</span>
  );
  return (
    <span className={styles['devices']}>
      {icon(
        media.microphone,
        <Mic size={16} role="img" aria-label={microphone} />,
        <MicOff size={16} role="img" aria-label={microphone} />,
      )}
      {icon(
        media.camera,
        <Video size={16} role="img" aria-label={camera} />,
        <VideoOff size={16} role="img" aria-label={camera} />,
      )}
    </span>
  );
}

function LowerHand({
  member,
  me,
  actions,
}: {
  member: Member;
  me: Member | null;
  actions: PeoplePanelProps['actions'];
}) {
  const { t } = useTranslation();
  const may = member.participantId === me?.participantId || outranks(me, member);
  if (!may) return <Hand size={16} aria-hidden className={styles['handIcon']} />;
  return (
    <IconButton
      label={t('people.lowerHand', { name: member.name })}
      icon={<Hand size={16} aria-hidden />}
      placement="left"
      className={styles['handIcon']}
      onPress={() => void actions.lowerHand(member.participantId)}
    />
  );
}

function Actions({ member, actions, onRemove }: Pick<RowProps, 'member' | 'actions' | 'onRemove'>) {
  const { t } = useTranslation();
  const offers: Array<MenuEntry & { source: Source; on: boolean }> = [
    {
      id: 'microphone',
      source: 'microphone',
      on: member.media.microphone,
      label: t('people.mute'),
      icon: <MicOff size={16} aria-hidden />,
    },
    {
      id: 'camera',
      source: 'camera',
      on: member.media.camera,
      label: t('people.stopCamera'),
      icon: <VideoOff size={16} aria-hidden />,
    },
    {
      id: 'screen',
      source: 'screen',
      on: member.media.screen,
      label: t('people.stopScreen'),
      icon: <VideoOff size={16} aria-hidden />,
    },
  ];
  const running = offers.filter((offer) => offer.on);
  const mute = {
    id: 'mute',
    entries: running,
    onChoose: (id: string) => {
      const chosen = running.find((offer) => offer.id === id);
      if (chosen !== undefined) void actions.muteMember(member.participantId, chosen.source);
    },
  };
  const remove = {
    id: 'remove',
    entries: [{ id: 'remove', label: t('people.remove'), icon: <UserX size={16} aria-hidden />, danger: true }],
    onChoose: () => {
      onRemove(member);
    },
  };
  const label = t('people.menu', { name: member.name });
  return (
    <Menu
      label={label}
      placement="bottom end"
      trigger={<IconButton label={label} icon={<MoreVertical size={16} aria-hidden />} placement="left" />}
      groups={running.length > 0 ? [mute, remove] : [remove]}
    />
  );
}

function Rename({ name, onDone }: { name: string; onDone: (name: string | null) => void }) {
  const { t } = useTranslation();
  const [value, setValue] = useState(name);
  return (
    <form
      className={styles['rename']}
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim() !== '') onDone(value.trim());
      }}
    >
      <TextField
        label={t('people.rename')}
        labelHidden
        value={value}
        maxLength={64}
        onChange={setValue}
        ref={focusOnce}
      />
      <Button type="submit" kind="primary" size="small" isDisabled={value.trim() === ''}>
        {t('people.renameSave')}
      </Button>
      <Button
        kind="quiet"
        size="small"
        onPress={() => {
          onDone(null);
        }}
      >
        {t('common.cancel')}
      </Button>
    </form>
  );
}

function RemoveDialog({
  member,
  onClose,
  onConfirm,
}: {
  member: Member | null;
  onClose: () => void;
  onConfirm: (id: string) => Promise<void>;
}) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={t('people.removeTitle', { name: member?.name ?? '' })}
      open={member !== null}
      onClose={onClose}
      alert
      actions={
        <>
          <Button onPress={onClose}>{t('common.cancel')}</Button>
          <Button
            kind="danger"
            onPress={() => {
              if (member !== null) void onConfirm(member.participantId);
              onClose();
            }}
          >
            {t('people.removeConfirm')}
          </Button>
        </>
      }
    >
      <p>{t('people.removeText')}</p>
    </Dialog>
  );
}

function focusOnce(field: HTMLInputElement | null): void {
  field?.focus();
}

/** Hosts act on everyone, moderators on those below them; never upwards. */
function outranks(me: Member | null, other: Member): boolean {
  if (me?.role === 'host') return other.role !== 'host';
  return me?.role === 'moderator' && (other.role === 'participant' || other.role === 'viewer');
}
