/**
 * The step before a room: see and hear oneself, choose devices, say a name, learn who is there. Nothing is sent to anyone before
 * "Join" is pressed.
 */
import { Camera, Check, Link2, Lock, Mic, Volume2 } from 'lucide-react';
import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { Button } from '../ui/Button.tsx';
import { Select } from '../ui/Select.tsx';
import { TextField } from '../ui/TextField.tsx';
import { useCopied } from '../ui/useCopied.ts';
import { useDeviceOptions } from '../ui/useDeviceOptions.ts';
import { LevelMeter } from './LevelMeter.tsx';
import styles from './Lobby.module.css';
import { Preview } from './Preview.tsx';
import { ProblemNote, type Problem } from './ProblemNote.tsx';

const NAME_LIMIT = 64;

/** What the lobby knows of the room before entering it; null while it asks. */
export interface LobbyRoom {
  name: string;
  members: number;
  locked: boolean;
  lobby: boolean;
  hasPassword: boolean;
}

export interface LobbyDevices {
  microphones: MediaDeviceInfo[];
  cameras: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

export interface LobbyProps {
  room: LobbyRoom | null;
  /** Nobody answers the question. */
  lookupFailed?: boolean;
  /** Back here after a long absence. */
  lapsed?: boolean;
  initialName: string;
  passwordWrong: boolean;
  /** The host has the key already. */
  passwordNeeded: boolean;
  link: string;
  stream: MediaStream | null;
  microphone: boolean;
  camera: boolean;
  level: number;
  problems: Problem[];
  devices: LobbyDevices;
  microphoneId: string | null;
  cameraId: string | null;
  speakerId: string | null;
  onMicrophone: (on: boolean) => void;
  onCamera: (on: boolean) => void;
  onSelectMicrophone: (id: string) => void;
  onSelectCamera: (id: string) => void;
  onSelectSpeaker: (id: string) => void;
  onJoin: (name: string, password: string | null) => void;
}

export function Lobby(props: LobbyProps) {
  const [name, setName] = useState(props.initialName);
  return (
    <div className={styles['lobby']}>
      <div className={styles['mirror']}>
        <Preview
          stream={props.stream}
          name={name}
          microphone={props.microphone}
          camera={props.camera}
          onMicrophone={props.onMicrophone}
          onCamera={props.onCamera}
        />
        <Problems {...props} />
        <Devices {...props} />
      </div>
      <Entry {...props} name={name} onName={setName} />
    </div>
  );
}

function Problems({ problems, onCamera, onMicrophone }: LobbyProps) {
  const retry = (problem: Problem) => {
    if (problem.source === 'camera') onCamera(true);
    else onMicrophone(true);
  };
  const alike = problems.length > 1 && problems.every((problem) => problem.cause === problems[0]?.cause);
  return (alike ? problems.slice(0, 1) : problems).map((problem) => (
    <ProblemNote
      key={problem.source}
      problem={problem}
      both={alike}
      joinAnyway
      onRetry={() => {
        (alike ? problems : [problem]).forEach(retry);
      }}
    />
  ));
}

function Devices(props: LobbyProps) {
  const { t } = useTranslation();
  const optionsOf = useDeviceOptions();
  const { devices } = props;
  const one = (
    label: string,
    icon: React.ReactNode,
    list: MediaDeviceInfo[],
    value: string | null,
    onChange: (id: string) => void,
  ) => {
    const options = optionsOf(list);
    const known = options.some((option) => option.id === value);
    return (
      <Select
        label={label}
        icon={icon}
        options={options}
        value={known ? value : (options[0]?.id ?? null)}
        onChange={onChange}
        disabled={options.length === 0}
        placeholder={t('lobby.noDevices')}
      />
    );
  };
  return (
    <div className={styles['devices']}>
      <div className={styles['heard']}>
        {one(
          t('lobby.microphone'),
          <Mic size={16} aria-hidden />,
          devices.microphones,
          props.microphoneId,
          props.onSelectMicrophone,
        )}
        <LevelMeter level={props.microphone ? props.level : 0} />
      </div>
      {one(t('lobby.camera'), <Camera size={16} aria-hidden />, devices.cameras, props.cameraId, props.onSelectCamera)}
      {devices.speakers.length > 0 &&
        one(
          t('lobby.speaker'),
          <Volume2 size={16} aria-hidden />,
          devices.speakers,
          props.speakerId,
          props.onSelectSpeaker,
        )}
    </div>
  );
}

function Entry(props: LobbyProps & { name: string; onName: (name: string) => void }) {
  const { t } = useTranslation();
  const { room, name, onName, passwordNeeded } = props;
  const [password, setPassword] = useState('');
  const nameField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const [tried, setTried] = useState(props.passwordWrong);
  const asksPassword = passwordNeeded && room?.hasPassword === true;
  const passwordError =
    tried && password === '' ? t(props.passwordWrong ? 'lobby.passwordWrong' : 'lobby.passwordMissing') : null;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (name.trim() === '') return nameField.current?.focus();
    if (asksPassword && password === '') return passwordField.current?.focus();
    props.onJoin(name.trim(), asksPassword ? password : null);
  };

  return (
    <form className={styles['entry']} onSubmit={submit} noValidate>
      <div>
        <h1 className={styles['title']}>{room !== null && room.name !== '' ? room.name : t('lobby.title')}</h1>
        <Presence room={room} lookupFailed={props.lookupFailed === true} />
        {props.lapsed === true && (
          <p role="status" className={styles['note']}>
            {t('lobby.lapsed')}
          </p>
        )}
      </div>
      <TextField
        label={t('lobby.name')}
        hint={t('lobby.nameHint')}
        error={tried && name.trim() === '' ? t('lobby.nameMissing') : null}
        value={name}
        onChange={onName}
        maxLength={NAME_LIMIT}
        autoComplete="name"
        autoCapitalize="words"
        enterKeyHint="go"
        large
        ref={nameField}
        data-testid="display-name"
      />
      {asksPassword && (
        <TextField
          label={t('lobby.password')}
          error={passwordError}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="off"
          enterKeyHint="go"
          large
          ref={passwordField}
          data-testid="room-password"
        />
      )}
      <Button type="submit" kind="primary" size="large" data-testid="join-room">
        {t('lobby.join')}
      </Button>
      <CopyLink link={props.link} />
    </form>
  );
}

function Presence({ room, lookupFailed }: { room: LobbyRoom | null; lookupFailed: boolean }) {
  const { t } = useTranslation();
  if (room === null)
    return <p className={styles['presence']}>{t(lookupFailed ? 'lobby.lookupFailed' : 'lobby.lookingUp')}</p>;
  return (
    <>
      <p className={styles['presence']}>
        {room.members === 0 ? t('lobby.empty') : t('lobby.inside', { count: room.members })}
      </p>
      {room.locked && (
        <p className={styles['rule']}>
          <Lock size={16} aria-hidden /> {t('lobby.locked')}
        </p>
      )}
      {room.lobby && <p className={styles['rule']}>{t('lobby.hasLobby')}</p>}
    </>
  );
}

function CopyLink({ link }: { link: string }) {
  const { t } = useTranslation();
  const [copied, copy] = useCopied();
  return (
    <div className={styles['link']}>
      <Button
        kind="quiet"
        icon={copied ? <Check size={16} aria-hidden /> : <Link2 size={16} aria-hidden />}
        onPress={() => {
          copy(link);
        }}
      >
        {t(copied ? 'lobby.linkCopied' : 'lobby.copyLink')}
      </Button>
      <span role="status" className={styles['spoken']}>
        {copied ? t('lobby.linkCopied') : ''}
      </span>
    </div>
  );
}
