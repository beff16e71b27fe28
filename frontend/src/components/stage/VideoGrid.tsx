/** The stage: measures itself, asks `arrange` where each tile goes, and moves tiles there. It never scrolls. */
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Tile } from '../../types/roomHandle.ts';
import { cx } from '../ui/cx.ts';
import { VideoTile } from '../VideoTile.tsx';
import { arrange } from './packing.ts';
import styles from './VideoGrid.module.css';

const GAP = 8;

export interface VideoGridProps {
  tiles: Tile[];
  /** A tile the user wants large; screens are large without asking. */
  pinned: string | null;
  /** Pins this tile, or unpins it. */
  onPin: (key: string) => void;
  /** Drawn over the stage. */
  children?: ReactNode;
}

export function VideoGrid({ tiles, pinned, onPin, children }: VideoGridProps) {
  const { t } = useTranslation();
  const stage = useRef<HTMLElement>(null);
  const size = useSize(stage);
  const { boxes, floating, hidden } = useMemo(() => {
    const asked = tiles.filter((tile) => tile.key === pinned);
    const prominent = asked.length > 0 ? asked : tiles.filter((tile) => tile.screen);
    return arrange(tiles, new Set(prominent.map((tile) => tile.key)), size.width, size.height, GAP);
  }, [tiles, pinned, size]);

  return (
    <section ref={stage} aria-label={t('room.stage')} className={styles['stage']} data-count={tiles.length}>
      {tiles.map((tile) => {
        const box = boxes.get(tile.key);
        if (box === undefined) return null;
        return (
          <div
            key={tile.key}
            className={cx(styles['place'], tile.key === floating && styles['above'])}
            style={{ width: box.width, height: box.height, transform: `translate(${box.x}px, ${box.y}px)` }}
          >
            <VideoTile
              tile={tile}
              floating={tile.key === floating}
              pinned={tile.key === pinned}
              onPin={tiles.length > 1 ? onPin : undefined}
            />
          </div>
        );
      })}
      {hidden > 0 && <p className={styles['more']}>{t('room.moreTiles', { count: hidden })}</p>}
      {children}
    </section>
  );
}

function useSize(element: React.RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const measure = () => {
      const { width, height } = target.getBoundingClientRect();
      setSize((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return size;
}
