/** Six reactions behind one button. The list stays open, so that one may clap more than once. */
import { Smile } from 'lucide-react';
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { useTranslation } from 'react-i18next';

import { IconButton } from '../ui/IconButton.tsx';
import { useSurface } from '../ui/surface.ts';
import { REACTIONS, ReactionMark } from './ReactionMark.tsx';
import styles from './ReactionPicker.module.css';

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
      <IconButton
        label={t('room.react')}
        kind="control"
        icon={<Smile size={20} aria-hidden />}
        className={className}
        data-testid="react"
      />
      <Popover {...surface} placement="top" offset={8} className={styles['popover'] ?? ''}>
        <Dialog aria-label={t('room.react')} className={styles['row'] ?? ''}>
          {REACTIONS.map(({ emoji, name }) => (
            <Button
              key={emoji}
              aria-label={t('room.reactWith', { name: t(`reaction.${name}`) })}
              data-testid={`react-${name}`}
              className={styles['emoji'] ?? ''}
              onPress={() => {
                onReact(emoji);
              }}
            >
              <ReactionMark emoji={emoji} />
            </Button>
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
