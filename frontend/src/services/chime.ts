/** A soft, short signal: two notes, quieter than speech. Where the browser gives no sound, silence will do. */

const NOTES = [659.3, 880];
const APART_S = 0.12;
const LENGTH_S = 0.35;
const LOUDNESS = 0.06;

export function chime(): void {
  const Context = globalThis.AudioContext as typeof AudioContext | undefined;
  if (Context === undefined) return;
  const context = new Context();
  NOTES.forEach((frequency, index) => {
    const start = context.currentTime + index * APART_S;
    const volume = context.createGain();
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + LENGTH_S);
    const note = context.createOscillator();
    note.frequency.value = frequency;
    note.connect(volume).connect(context.destination);
    note.start(start);
    note.stop(start + LENGTH_S);
    if (index === NOTES.length - 1) note.onended = () => void context.close().catch(() => undefined);
  });
}
