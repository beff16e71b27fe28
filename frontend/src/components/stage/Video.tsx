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
  /** Told with the stream once its first frame is there: before that an element is black. */
  onFrame?: (stream: MediaStream) => void;
  label: string;
}

export function Video({ stream, mirrored = false, whole = false, visible = true, onFrame, label }: VideoProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    element.srcObject = stream;
    // Autoplay of a silent video is never refused; the promise only fails when the stream changes under it.
    if (stream !== null) void element.play().catch(() => undefined);
    const unwatch = stream === null || onFrame === undefined ? undefined : firstFrame(element, () => onFrame(stream));
    return () => {
      unwatch?.();
      element.srcObject = null;
    };
  }, [stream, onFrame]);

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

/** By the frame's own callback, or by the data being there, whichever the browser tells first. */
function firstFrame(element: HTMLVideoElement, heard: () => void): () => void {
  if (!('requestVideoFrameCallback' in element)) {
    heard();
    return () => undefined;
  }
  const callback = element.requestVideoFrameCallback(heard);
  element.addEventListener('loadeddata', heard, { once: true });
  return () => {
    element.cancelVideoFrameCallback(callback);
    element.removeEventListener('loadeddata', heard);
  };
}
