/** A `<video>` that shows a stream. Always silent: voices are played by `RemoteAudio`. */
import { useEffect, useRef } from 'react';

import { cx } from '../ui/cx.ts';
import styles from './Video.module.css';

export interface VideoProps {
  stream: MediaStream | null;
  /** The own camera, as in a mirror. */
  mirrored?: boolean;
  /** A screen is shown whole, a camera fills its place. */
  whole?: boolean;
  /** False keeps the element and hides the picture: the first frame is there at once when it comes back. */
  visible?: boolean;
  label: string;
}

export function Video({ stream, mirrored = false, whole = false, visible = true, label }: VideoProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    element.srcObject = stream;
    // Autoplay of a silent video is never refused; the promise only fails when the stream changes under it.
    if (stream !== null) void element.play().catch(() => undefined);
    return () => {
      element.srcObject = null;
    };
  }, [stream]);

  return (
    <video
      ref={video}
      autoPlay
      playsInline
      muted
      aria-label={label}
      aria-hidden={!visible}
      className={cx(
        styles['video'],
        mirrored && styles['mirrored'],
        whole && styles['whole'],
        !visible && styles['hidden'],
      )}
    />
  );
}
