/**
 * The call: stage, controls, one side panel at a time. It draws a {@link RoomHandle} and keeps only what belongs to the eye:
 * which panel is open, what is pinned, what has been read, the unsent draft.
 */
import { Check, Link2, Volume2 } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { RoomHandle } from '../../types/roomHandle.ts';
import { ControlBar, type Panel } from '../ControlBar.tsx';
import { ProblemNote } from '../lobby/ProblemNote.tsx';
import { RemoteAudio } from '../stage/RemoteAudio.tsx';
import { VideoGrid } from '../stage/VideoGrid.tsx';
import { Button } from '../ui/Button.tsx';
import { cx } from '../ui/cx.ts';
import { Surface } from '../ui/surface.ts';
import { useCopied } from '../ui/useCopied.ts';
import { Announcer } from './Announcer.tsx';
import { CallHeader } from './CallHeader.tsx';
import styles from './CallView.module.css';
import { ChatPanel } from './ChatPanel.tsx';
import { HelpSheet } from './HelpSheet.tsx';
import { PeoplePanel } from './PeoplePanel.tsx';
import { Reactions } from './Reactions.tsx';
import { useShortcuts } from './shortcuts.ts';
import { SidePanel } from './SidePanel.tsx';
import { StatisticsPanel } from './StatisticsPanel.tsx';
import { Toasts } from './Toasts.tsx';
import { useStats } from './useStats.ts';
import { useUnread } from './useUnread.ts';

/** What outlives a reload. */
export interface CallLayout {
  panel: Panel | null;
  pinned: string | null;
  draft: string;
}

export interface CallViewProps {
  handle: RoomHandle;
  link: string;
  /** As it was found; later changes come back through `onLayout`. */
  layout: CallLayout;
  onLayout: (layout: CallLayout) => void;
}

export function CallView({ handle, link, layout, onLayout }: CallViewProps) {
  const { actions, chat, me } = handle;
  const [panel, setPanel] = useState<Panel | null>(layout.panel);
  const [help, setHelp] = useState(false);
  const [pinned, setPinned] = useState<string | null>(layout.pinned);
  const [draft, setDraft] = useState(layout.draft);
  useEffect(() => {
    onLayout({ panel, pinned, draft });
  }, [panel, pinned, draft, onLayout]);
  const unread = useUnread(chat, me, panel === 'chat');
  const lost = handle.connection === 'reconnecting' || handle.connection === 'moving' || handle.media === 'restoring';
  const focus = useFocusReturn();

  const closePanel = () => {
    setPanel(null);
    focus.restore();
  };
  const togglePanel = (wanted: Panel) => {
    if (panel === wanted) return closePanel();
    if (panel === null) focus.keep();
    setPanel(wanted);
  };
  const togglePin = useCallback((key: string) => {
    setPinned((now) => (now === key ? null : key));
  }, []);
  useCallKeys(handle, {
    onPanel: togglePanel,
    onHelp: () => {
      setHelp(true);
    },
    onEscape: () => {
      if (panel !== null) closePanel();
    },
  });

  return (
    <Surface value="stage">
      <div className={styles['call']} data-surface="stage">
        <CallHeader name={handle.room?.name ?? ''} locked={handle.room?.locked === true} link={link} />
        <div className={cx(styles['middle'], panel !== null && styles['withPanel'])}>
          <div className={styles['stage']} data-lost={lost ? 'true' : undefined}>
            <VideoGrid tiles={handle.tiles} pinned={pinned} onPin={togglePin} />
            <Reactions reactions={handle.reactions} />
            <Toasts notices={handle.notices} />
            <Notes handle={handle} link={link} />
          </div>
          {panel !== null && (
            <Side panel={panel} handle={handle} draft={draft} onDraft={setDraft} onClose={closePanel} />
          )}
        </div>
        <ControlBar
          local={handle.local}
          sounds={handle.sounds}
          handRaised={me !== null && handle.hands.includes(me.participantId)}
          panel={panel}
          unread={unread}
          people={handle.members.length}
          actions={actions}
          onPanel={togglePanel}
          onHelp={() => {
            setHelp(true);
          }}
          onLeave={() => void actions.leave()}
        />
        <Announcer notices={handle.notices} chat={chat} ownId={me?.participantId ?? null} ready={me !== null} />
        <HelpSheet
          open={help}
          onClose={() => {
            setHelp(false);
          }}
        />
      </div>
    </Surface>
  );
}

/** Where the focus was before a panel opened: it goes back there when the panel closes. */
function useFocusReturn() {
  const opener = useRef<Element | null>(null);
  return {
    keep: () => {
      opener.current = document.activeElement;
    },
    restore: () => {
      if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus();
    },
  };
}

function useCallKeys(
  { actions }: RoomHandle,
  own: { onPanel: (panel: Panel) => void; onHelp: () => void; onEscape: () => void },
): void {
  useShortcuts(
    {
      microphone: () => void actions.toggleMicrophone(),
      camera: () => void actions.toggleCamera(),
      screen: () => void actions.toggleScreen(),
      hand: () => void actions.toggleHand(),
      chat: () => {
        own.onPanel('chat');
      },
      people: () => {
        own.onPanel('people');
      },
      help: own.onHelp,
      escape: own.onEscape,
    },
    true,
  );
}

/** What lies over the stage until it is settled: sound that waits for a press, a device that refused, an empty room. */
function Notes({ handle, link }: Pick<CallViewProps, 'handle' | 'link'>) {
  const { local, actions, tiles, connection } = handle;
  const [hidden, setHidden] = useState<unknown>(null);
  const problem = local.problem === hidden ? null : local.problem;
  const alone = connection === 'connected' && tiles.length === 1 && problem === null;
  return (
    <div className={styles['notes']}>
      <Sound tiles={tiles} speakerId={local.speakerId} />
      {problem !== null && (
        <ProblemNote
          problem={problem}
          onRetry={() => {
            if (problem.source === 'microphone') void actions.toggleMicrophone();
            else if (problem.source === 'camera') void actions.toggleCamera();
            else void actions.toggleScreen();
          }}
          onDismiss={() => {
            setHidden(problem);
          }}
        />
      )}
      {alone && <Alone link={link} />}
    </div>
  );
}

function Sound({ tiles, speakerId }: { tiles: RoomHandle['tiles']; speakerId: string | null }) {
  const { t } = useTranslation();
  const [blocked, setBlocked] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const onBlocked = useCallback(() => {
    setBlocked(true);
  }, []);
  return (
    <>
      <RemoteAudio tiles={tiles} speakerId={speakerId} attempt={attempt} onBlocked={onBlocked} />
      {blocked && (
        <div role="alert" className={styles['card']}>
          <p>{t('room.hearBlocked')}</p>
          <Button
            kind="primary"
            icon={<Volume2 size={16} aria-hidden />}
            onPress={() => {
              setBlocked(false);
              setAttempt((last) => last + 1);
            }}
          >
            {t('room.hear')}
          </Button>
        </div>
      )}
    </>
  );
}

function Alone({ link }: { link: string }) {
  const { t } = useTranslation();
  const [copied, copy] = useCopied();
  return (
    <div className={styles['card']}>
      <p>
        <strong>{t('room.alone')}.</strong> {t('room.aloneHint')}
      </p>
      <Button
        kind="primary"
        icon={copied ? <Check size={16} aria-hidden /> : <Link2 size={16} aria-hidden />}
        onPress={() => {
          copy(link);
        }}
      >
        {t(copied ? 'lobby.linkCopied' : 'lobby.copyLink')}
      </Button>
    </div>
  );
}

interface SideProps {
  panel: Panel;
  handle: RoomHandle;
  draft: string;
  onDraft: (text: string) => void;
  onClose: () => void;
}

function Side({ panel, handle, draft, onDraft, onClose }: SideProps) {
  const { t } = useTranslation();
  const { actions, me } = handle;
  const stats = useStats(actions, panel === 'statistics');
  return (
    <div className={styles['side']} data-surface="page">
      <Surface value={undefined}>
        <SidePanel title={t(`room.${panel}`)} onClose={onClose}>
          {panel === 'chat' && (
            <ChatPanel
              messages={handle.chat}
              ownId={me?.participantId ?? null}
              draft={draft}
              onDraft={onDraft}
              onSend={(text) => {
                actions.sendChat(text);
              }}
              onRetry={actions.retryChat}
            />
          )}
          {panel === 'people' && (
            <PeoplePanel members={handle.members} hands={handle.hands} me={me} actions={actions} />
          )}
          {panel === 'statistics' && <StatisticsPanel stats={stats} phase={handle.connection} node={handle.node} />}
        </SidePanel>
      </Surface>
    </div>
  );
}
