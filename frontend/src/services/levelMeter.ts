/** How loud a track is, for the lobby's bar. */

const GESTURES = ['pointerdown', 'keydown'] as const;

/**
 * Calls back about 20 times a second with 0..1 until the returned function is called. Browsers may keep sound asleep before the first
 * press on a page, as for whoever comes by a link: the meter wakes with that press.
 */
export function meterLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const Context = globalThis.AudioContext as typeof AudioContext | undefined;
  if (Context === undefined) return () => undefined;
  const context = new Context();
  const wake = () => {
    if (context.state === 'suspended') context.resume().catch(() => undefined);
  };
  wake();
  for (const gesture of GESTURES) addEventListener(gesture, wake);
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const input = context.createMediaStreamSource(new MediaStream([track]));
  input.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, 50);
  return () => {
    clearInterval(timer);
    for (const gesture of GESTURES) removeEventListener(gesture, wake);
    input.disconnect();
    context.close().catch(() => undefined);
  };
}

/** Root mean square on a scale on which -60 dB is 0 and -10 dB is 1: speech moves over most of it. */
export function loudness(samples: Float32Array): number {
  const sum = samples.reduce((total, sample) => total + sample ** 2, 0);
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}
