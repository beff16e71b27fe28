/** A name for one command, never given twice. `crypto.randomUUID` exists on secure pages only; rooms open on plain http too. */
export function commandId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
