/**
 * Someone in a call: one page in a browser context of its own, so with a storage of its own, as another person's browser has.
 *
 * `sees`, `hears` and their opposites are measured in what was decoded, never in what the page says of itself.
 */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DEADLINE_MS, pause, until } from '../../harness/until.mjs';
import { keepPeers, readInbound, readOwnEnergy, readTiles, takeNotes } from './probe.mjs';

const ARTIFACTS = fileURLToPath(new URL('../artifacts/', import.meta.url));
/** Longer than the fake microphone's pause between two beeps. */
const EAR_MS = 2_000;
const SAMPLE_MS = 250;
/** Half a second of video at the fake camera's pace. */
const ENOUGH_FRAMES = 10;

export class Person {
  /** Errors of the page that nobody handled, and refusals by the content security policy. */
  faults = [];
  /** Who the node says is on which line of the media connection, the latest word. */
  #lines = [];

  /** Opens a page without going anywhere. `network`: all its packets go through it. */
  static async open(browser, name, { network, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    if (network) await page.exposeFunction('testMediaPort', (address, port) => network.mediaPort(address, port));
    await page.addInitScript(takeNotes);
    await page.addInitScript(keepPeers, { proxied: network !== undefined });
    return new Person(name, context, page);
  }

  constructor(name, context, page) {
    Object.assign(this, { name, context, page });
    page.on('pageerror', (error) => this.faults.push(error.stack ?? String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.faults.push(message.text());
    });
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => this.#overhear(payload)));
  }

  #overhear(frame) {
    if (typeof frame !== 'string' || !frame.includes('"slots"')) return;
    const [, , topic, event, payload] = JSON.parse(frame);
    if (topic.startsWith('sfu:') && event === 'slots') this.#lines = payload.map;
  }

  hook(name) {
    return this.page.getByTestId(name);
  }

  // === Coming and going ===

  /** Makes a room from the home page and joins it; answers its link. */
  async create(base) {
    await this.page.goto(base);
    await this.hook('create-room').click();
    await this.page.waitForURL(/\/rooms\/[0-9a-z]+$/);
    const link = this.page.url();
    await this.enter();
    return link;
  }

  /** Follows a link and joins. */
  async join(link) {
    await this.page.goto(link);
    await this.enter();
  }

  /** From the lobby into the room. */
  async enter() {
    await this.hook('display-name').fill(this.name);
    await this.hook('join-room').click();
    await this.isConnected();
  }

  /** This tab once more, as a browser duplicates it: the same participant, come in by a press. Close its page when done. */
  async duplicate() {
    const page = await this.context.newPage();
    const kept = await this.page.evaluate(() => Object.entries(sessionStorage));
    await page.addInitScript((entries) => {
      if (sessionStorage.length === 0) for (const [key, value] of entries) sessionStorage.setItem(key, value);
    }, kept);
    await page.addInitScript(takeNotes);
    await page.addInitScript(keepPeers, { proxied: false });
    const twin = new Person(this.name, this.context, page);
    await page.goto(this.page.url());
    await twin.hook('join-room').click();
    await twin.isConnected();
    return twin;
  }

  /** Makes what this tab could come back by worth nothing, as a long absence does. */
  losesItsPlace() {
    return this.page.evaluate(() => {
      for (const [key, value] of Object.entries(sessionStorage)) {
        const kept = JSON.parse(value);
        if (kept.resume === undefined) continue;
        const resume = kept.resume.replace(/\..*$/, `.${'A'.repeat(43)}`);
        sessionStorage.setItem(key, JSON.stringify({ ...kept, resume }));
      }
    });
  }

  async leave() {
    await this.hook('leave-room').click();
    await this.hook('leave-room').waitFor({ state: 'detached' });
  }

  /** The page as it comes back after a reload; a lobby, if it asks again, is passed. */
  async reload() {
    await this.page.reload();
    const join = this.hook('join-room');
    await join.or(this.hook('leave-room')).first().waitFor();
    if (await join.isVisible()) await join.click();
    await this.isConnected();
  }

  /** Kills the tab's process: no event handler of the page runs. */
  async crash() {
    const session = await this.context.newCDPSession(this.page);
    const gone = new Promise((resolve) => this.page.once('crash', resolve));
    session.send('Page.crash').catch(() => undefined);
    await gone;
  }

  async state() {
    return this.hook('connection-state').first().getAttribute('data-state', { timeout: 1_000 });
  }

  isConnected() {
    return until(`${this.name} to be connected`, async () => (await this.state()) === 'connected', {
      show: () => this.state(),
    });
  }

  // === Controls ===

  /** Presses a switch until it is as wanted. */
  async turn(hook, on) {
    if ((await this.isOn(hook)) !== on) await this.hook(hook).click();
    await until(`${this.name}'s ${hook} to be ${on ? 'on' : 'off'}`, async () => (await this.isOn(hook)) === on);
  }

  async isOn(hook) {
    return (await this.hook(hook).getAttribute('aria-pressed')) === 'true';
  }

  async opensChat() {
    if (!(await this.hook('chat-input').isVisible())) await this.hook('chat-open').click();
    await this.hook('chat-input').waitFor();
  }

  /** In an open chat. */
  async say(text) {
    await this.hook('chat-input').fill(text);
    await this.hook('chat-input').press('Enter');
  }

  /** Waits until the open chat holds these texts in this order and no other. */
  async reads(texts) {
    assert.ok(await this.hook('chat-input').isVisible(), `${this.name}'s chat is open`);
    const lines = () => this.hook('chat-message').allInnerTexts();
    const same = (found) => found.length === texts.length && found.every((line, i) => line.includes(texts[i]));
    await until(`${this.name} to read ${texts.join(', ')}`, async () => same(await lines()), { show: lines });
  }

  // === What arrives ===

  tiles() {
    return this.page.evaluate(readTiles);
  }

  inbound() {
    return this.page.evaluate(readInbound);
  }

  /** Waits until exactly these others, and oneself, have tiles. */
  async meets(...names) {
    const wanted = [this.name, ...names].sort().join();
    const present = async () => [...new Set((await this.tiles()).map(({ name }) => name))].sort().join();
    await until(`${this.name} to have tiles of ${wanted}`, async () => (await present()) === wanted, { show: present });
  }

  /** Waits until someone's tile says, or no longer says, that the microphone is off. */
  async knowsAsMuted(name, muted) {
    const tile = this.page.locator(`[data-testid="participant-tile"][data-name="${name}"]`);
    const label = () => tile.first().getAttribute('aria-label');
    const says = async () => (await label()).includes('microphone off') === muted;
    await until(`${this.name} to know ${name} as ${muted ? 'muted' : 'heard'}`, says, { show: label });
  }

  /** The participant id on a tile. */
  async idOf(name) {
    const found = (await this.tiles()).find((tile) => tile.name === name);
    assert.ok(found, `${this.name} has no tile of ${name}`);
    return found.id;
  }

  /** Frames decoded so far of what a person's tiles show: camera and screen apart, by track. */
  async framesOf(name) {
    const tracks = (await this.tiles()).filter((tile) => tile.name === name).flatMap((tile) => tile.tracks);
    const streams = await this.inbound();
    return new Map(
      tracks.map((track) => {
        const frames = streams.filter((stream) => stream.track === track).map((stream) => stream.frames);
        return [track, Math.max(0, ...frames)];
      }),
    );
  }

  /** Waits until pictures of each of them are decoded: `count` tracks, half a second's worth of new frames on each. */
  async sees(names, { count = 1, deadlineMs } = {}) {
    for (const name of [names].flat()) {
      const first = new Map();
      const grown = async () => {
        const now = await this.framesOf(name);
        for (const [track, frames] of now) if (!(frames >= first.get(track))) first.set(track, frames);
        return [...now].filter(([track, frames]) => frames - first.get(track) >= ENOUGH_FRAMES).length >= count;
      };
      const show = async () => ({ tiles: await this.tiles(), inbound: await this.inbound() });
      await until(`${this.name} to see ${name}`, grown, { deadlineMs, show });
    }
  }

  /** Waits until some picture plays on the page: the preview, in the lobby. */
  async seesOneself() {
    const frames = () =>
      Math.max(0, ...[...document.querySelectorAll('video')].map((v) => v.getVideoPlaybackQuality().totalVideoFrames));
    await until(`${this.name}'s preview to play`, async () => (await this.page.evaluate(frames)) >= ENOUGH_FRAMES);
  }

  /** The tracks that a person's tiles show now: to be followed also when the tile is emptied. */
  async tracksOf(name) {
    const tracks = [...(await this.framesOf(name)).keys()];
    assert.notDeepEqual(tracks, [], `${this.name} has pictures of ${name}`);
    return tracks;
  }

  /** Waits until nothing more is decoded of these tracks, whatever the tiles say. */
  async losesSightOf(tracks) {
    await this.#settles(`${this.name} to lose sight of ${tracks.join()}`, async () => {
      const streams = (await this.inbound()).filter(({ track }) => tracks.includes(track));
      return JSON.stringify(streams.map(({ id, frames }) => [id, frames]));
    });
  }

  /** Waits until sound of exactly so many others arrives. */
  async hears(count) {
    let before = new Map();
    const audible = async () => {
      const now = new Map((await this.inbound()).filter(({ kind }) => kind === 'audio').map((s) => [s.id, s.energy]));
      const rising = [...now].filter(([id, energy]) => before.has(id) && energy > before.get(id)).length;
      const first = before.size === 0;
      before = now;
      return first ? -1 : rising;
    };
    await until(`${this.name} to hear ${count}`, async () => (await audible()) === count, {
      pauseMs: EAR_MS,
      show: () => this.inbound(),
    });
  }

  /**
   * Listens to one person's line until the returned function is called, which answers every rise of its energy. The line is the
   * one that the node names, so it is heard also when the page plays nothing.
   */
  async listensTo(name) {
    const id = await this.idOf(name);
    const rises = [];
    const before = new Map();
    let over = false;
    const listen = async () => {
      while (!over) {
        const mid = this.#lines.find((line) => line.participant_id === id && line.source === 'microphone')?.mid;
        for (const stream of await this.inbound()) {
          if (stream.kind !== 'audio' || mid === undefined || stream.mid !== mid) continue;
          if (stream.energy > (before.get(stream.id) ?? stream.energy))
            rises.push({ ...stream, was: before.get(stream.id) });
          before.set(stream.id, stream.energy);
        }
        await pause(SAMPLE_MS);
      }
    };
    const listening = listen();
    return async () => {
      over = true;
      await listening;
      assert.ok(before.size > 0, `${this.name} had a line to ${name}`);
      return rises;
    };
  }

  /** Waits until this page's own microphone delivers nothing but silence. */
  async isSilent() {
    await this.#settles(`${this.name}'s microphone to be silent`, () => this.page.evaluate(readOwnEnergy));
  }

  /** Waits until a value stays the same for longer than a beep's distance. */
  async #settles(what, read) {
    await until(
      what,
      async () => {
        const before = await read();
        await pause(EAR_MS);
        return before === (await read());
      },
      { show: read },
    );
  }

  // === Proof ===

  /** What was noted so far of one thing; see `takeNotes`. */
  async noted(what, since = 0) {
    const notes = await this.page.evaluate(() => window.testNoted);
    return notes.filter((note) => note.what === what && note.at >= since).map(({ detail }) => detail);
  }

  /** The page's own clock, for `noted`. */
  now() {
    return this.page.evaluate(() => Math.round(performance.now()));
  }

  /** Since then no microphone was asked for or sent, and its switch stood as it was. */
  async keptQuiet(since) {
    assert.deepEqual(await this.noted('microphone', since), [], `${this.name}'s microphone`);
    assert.ok(!(await this.noted('toggle-mic', since)).includes('true'), `${this.name}'s switch went on`);
    assert.equal(await this.isOn('toggle-mic'), false);
  }

  /** Makes what a reconnect must keep: microphone off, hand raised, the chat open with a draft in it. */
  async settlesIn(draft) {
    await this.turn('toggle-mic', false);
    await this.turn('raise-hand', true);
    await this.opensChat();
    await this.hook('chat-input').fill(draft);
    return this.now();
  }

  /** All of that is still so, and nothing was pressed for it. */
  async isSettled(draft, since) {
    await this.keptQuiet(since);
    await until(`${this.name}'s hand to be up`, () => this.isOn('raise-hand'));
    assert.ok(await this.hook('chat-input').isVisible(), `${this.name}'s chat is open`);
    assert.equal(await this.hook('chat-input').inputValue(), draft);
  }

  /** Leaves a mark that a reload would wipe out. */
  async mark() {
    await this.page.evaluate(() => (window.testMark = true));
  }

  async wasNotReloaded() {
    assert.equal(await this.page.evaluate(() => window.testMark), true, `${this.name}'s page was reloaded`);
  }

  async screenshot(name) {
    await mkdir(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: `${ARTIFACTS}${name}.png`, timeout: 10_000 });
  }
}
