/**
 * One picture on the stage: a person or a person's screen. The picture is the content; name and state lie on it at the lower
 * left. State is never told by colour alone, and the last frame stays, dimmed, while someone is coming back.
 */
import { Hand, MicOff, Monitor, Pin, PinOff } from 'lucide-react';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Tile } from '../types/roomHandle.ts';
import { Initials } from './stage/Initials.tsx';
import { Quality } from './stage/Quality.tsx';
import { Video } from './stage/Video.tsx';
import { cx } from './ui/cx.ts';
import { IconButton } from './ui/IconButton.tsx';
import styles from './VideoTile.module.css';

export interface VideoTileProps {
  tile: Tile;
  /** The own tile in its corner, above the others. */
  floating?: boolean;
  pinned?: boolean;
  /** Pins or unpins; without it there is nothing to pin. */
  onPin?: ((key: string) => void) | undefined;
}

export const VideoTile = memo(function VideoTile({ tile, floating = false, pinned = false, onPin }: VideoTileProps) {
  const { t } = useTranslation();
  const name = useTileName(tile);
  const [painted, setPainted] = useState<MediaStream | null>(null);
  const shown = tile.stream !== null && painted === tile.stream && (tile.screen || tile.cameraOn);
  const states = [
    !tile.screen && !tile.microphoneOn && t('tile.microphoneOff'),
    tile.handRaised && t('tile.handRaised'),
    tile.state === 'reconnecting' && t('people.reconnecting'),
  ].filter((state) => state !== false);

  return (
    <div
      role="group"
      aria-label={[name, ...states].join(', ')}
      data-testid="participant-tile"
      data-participant-id={tile.participantId}
      data-name={tile.name}
      data-local={tile.local ? 'true' : 'false'}
      data-screen={tile.screen ? 'true' : undefined}
      data-speaking={tile.speaking ? 'true' : undefined}
      data-state={tile.state}
      className={cx(styles['tile'], floating && styles['floating'], tile.screen && styles['screen'])}
    >
      <div className={styles['picture']}>
        {!shown && (tile.screen ? <Monitor size={40} aria-hidden /> : <Initials name={tile.name} />)}
        <Video
          stream={tile.stream}
          mirrored={tile.local && !tile.screen}
          whole={tile.screen}
          visible={shown}
          onFrame={setPainted}
          label={name}
        />
      </div>
      {tile.state === 'reconnecting' && (
        <p className={styles['returning']}>
          <span>{t('tile.reconnecting')}</span>
        </p>
      )}
      {tile.handRaised && (
        <span className={styles['hand']}>
          <Hand size={16} role="img" aria-label={t('tile.handRaised')} />
        </span>
      )}
      {onPin !== undefined && (
        <IconButton
          label={t(pinned ? 'tile.unpin' : 'tile.pin', { name })}
          icon={pinned ? <PinOff size={16} aria-hidden /> : <Pin size={16} aria-hidden />}
          pressed={pinned}
          placement="left"
          className={styles['pin']}
          onPress={() => {
            onPin(tile.key);
          }}
        />
      )}
      <div className={styles['plate']}>
        {!tile.screen && !tile.microphoneOn && <MicOff size={14} role="img" aria-label={t('tile.microphoneOff')} />}
        <span className={styles['name']}>{name}</span>
        {!tile.local && <Quality quality={tile.quality} />}
      </div>
    </div>
  );
});

export function useTileName(tile: Pick<Tile, 'name' | 'local' | 'screen'>): string {
  const { t } = useTranslation();
  if (tile.screen) return tile.local ? t('tile.ownScreen') : t('tile.screenOf', { name: tile.name });
  return tile.local ? t('tile.self', { name: tile.name }) : t('tile.person', { name: tile.name });
}
