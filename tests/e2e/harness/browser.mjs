/**
 * Chromium with fake devices: a camera that draws and a microphone that beeps, so that "sees" and "hears" can be measured.
 * The flags also keep the browser from talking to anything but the node under test.
 */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--auto-select-desktop-capture-source=Entire screen',
];

/** Lets pages make sound before anyone pressed anything; without it the browser is as strict as people's. */
const LOUD = '--autoplay-policy=no-user-gesture-required';

/** `tests/tool.sh chromium` says the same to people, and installs one where it may. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = NAMES.flatMap((name) => places.filter((place) => place.endsWith(`/${name}`))).find(existsSync);
  if (!found) throw new Error('no Chromium was found; tests/tool.sh chromium says what is missing');
  return found;
}

/**
 * Starts a browser with a new profile, which it removes when it is closed.
 *
 * @param {{autoplay?: boolean, flags?: string[]}} [options]
 */
export function launch({ autoplay = true, flags = [] } = {}) {
  return chromium.launch({ executablePath: executable(), args: [...FLAGS, ...(autoplay ? [LOUD] : []), ...flags] });
}
