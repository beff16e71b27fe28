/** The look in the mirror, with the name that others will see and the two switches. */
import { Mic, MicOff, Video as VideoIcon, VideoOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { Initials } from '../stage/Initials.tsx';
import { Video } from '../stage/Video.tsx';
import { IconButton } from '../ui/IconButton.tsx';
import { Surface } from '../ui/surface.ts';
import styles from './Preview.module.css';

export interface PreviewProps {
  stream: MediaStream | null;
  name: string;
  microphone: boolean;
  camera: boolean;
  onMicrophone: (on: boolean) => void;
  onCamera: (on: boolean) => void;
}

export function Preview({ stream, name, microphone, camera, onMicrophone, onCamera }: PreviewProps) {
  const { t } = useTranslation();
  return (
    <Surface value="stage">
      <div className={styles['preview']} data-surface="stage">
        {stream === null && (
          <div className={styles['off']}>
            {name.trim() === '' ? <VideoOff size={40} aria-hidden /> : <Initials name={name} />}
            <p>{t(camera ? 'lobby.cameraStarting' : 'lobby.cameraOff')}</p>
          </div>
        )}
        <Video stream={stream} mirrored visible={stream !== null} label={t('lobby.preview')} />
        {name.trim() !== '' && <p className={styles['name']}>{name}</p>}
        <div className={styles['switches']}>
          <IconButton
            label={t(microphone ? 'device.microphoneOff' : 'device.microphoneOn')}
            pressed={microphone}
            kind={microphone ? 'control' : 'off'}
            icon={microphone ? <Mic size={20} aria-hidden /> : <MicOff size={20} aria-hidden />}
            data-testid="lobby-toggle-mic"
            className={styles['switch']}
            onPress={() => {
              onMicrophone(!microphone);
            }}
          />
          <IconButton
            label={t(camera ? 'device.cameraOff' : 'device.cameraOn')}
            pressed={camera}
            kind={camera ? 'control' : 'off'}
            icon={camera ? <VideoIcon size={20} aria-hidden /> : <VideoOff size={20} aria-hidden />}
            data-testid="lobby-toggle-camera"
            className={styles['switch']}
            onPress={() => {
              onCamera(!camera);
            }}
          />
        </div>
      </div>
    </Surface>
  );
}
