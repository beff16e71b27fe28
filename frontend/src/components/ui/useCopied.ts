/** Copies a text and says so for two seconds. */
import { useEffect, useState } from 'react';

const SHOWN_MS = 2000;

export function useCopied(): [copied: boolean, copy: (text: string) => void] {
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (at === 0) return;
    const timer = setTimeout(() => {
      setAt(0);
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [at]);
  const copy = (text: string) => {
    void writeText(text).then((done) => {
      if (done) setAt(Date.now());
    });
  };
  return [at !== 0, copy];
}

/** The clipboard needs a secure page; on a plain http address in the local network a selection has to do. */
async function writeText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}
