/** Six reactions behind one button. The list stays open, so that one may clap more than once. */
import { Smile } from 'lucide-react';
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { useTranslation } from 'react-i18next';

import { IconButton } from '../ui/IconButton.tsx';
import { useSurface } from '../ui/surface.ts';
import styles from './ReactionPicker.module.css';

export const REACTIONS = ['👍', '👏', '❤️', '😂', '😮', '🎉'] as const;

export function ReactionPicker({
  onReact,
  className,
}: {
  onReact: (emoji: string) => void;
  className?: string | undefined;
}) {
  const { t } = useTranslation();
  const surface = useSurface();
  return (
    <DialogTrigger>
      <IconButton label={t('room.react')} kind="control" icon={<Smile size={20} aria-hidden />} className={className} />
      <Popover {...surface} placement="top" offset={8} className={styles['popover'] ?? ''}>
        <Dialog aria-label={t('room.react')} className={styles['row'] ?? ''}>
          {REACTIONS.map((emoji) => (
            <Button
              key={emoji}
              aria-label={t('room.reactWith', { emoji })}
              className={styles['emoji'] ?? ''}
              onPress={() => {
                onReact(emoji);
              }}
            >
              {emoji}
            </Button>
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
