/** Every page with axe, in both themes and languages, at the widths that people have; the pictures are for reviewers. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createRoom } from '../harness/api.mjs';
import { until } from '../harness/until.mjs';
import { scenes } from './harness/scene.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LOOKS = [
  { name: 'light-en', colorScheme: 'light', locale: 'en-US', viewport: { width: 1280, height: 800 } },
  { name: 'dark-ru', colorScheme: 'dark', locale: 'ru-RU', viewport: { width: 360, height: 740 } },
  { name: 'light-ru-wide', colorScheme: 'light', locale: 'ru-RU', viewport: { width: 2560, height: 1440 } },
  { name: 'dark-en-wide', colorScheme: 'dark', locale: 'en-US', viewport: { width: 1440, height: 900 } },
];

/**
 * Runs in the page: what is to be pressed or read and is cut off, by an edge of the window or by its own. Names of people and rooms
 * may be shortened; words of the page may not.
 */
function cutOff() {
  const scrolls = (element, axis) => {
    for (let each = element.parentElement; each !== null; each = each.parentElement) {
      const style = getComputedStyle(each);
      const [overflow, whole, part] =
        axis === 'x'
          ? [style.overflowX, each.scrollWidth, each.clientWidth]
          : [style.overflowY, each.scrollHeight, each.clientHeight];
      if (/auto|scroll/.test(overflow) && whole > part) return true;
    }
    return axis === 'y' && document.documentElement.scrollHeight > window.innerHeight;
  };
  const hidden = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width <= 1 || height <= 1 || !element.checkVisibility({ visibilityProperty: true });
  };
  const found = [];
  for (const element of document.querySelectorAll(
    'button, a[href], label, summary, h1, h2, h3, th, dt, [role="menuitem"], [role="option"], [role="status"]',
  )) {
    // A skip link waits above the window until it has the focus.
    if (hidden(element) || element.closest('a[href="#content"]') !== null) continue;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const outsideX = (left < -1 || right > window.innerWidth + 1) && !scrolls(element, 'x');
    const outsideY = (top < -1 || bottom > window.innerHeight + 1) && !scrolls(element, 'y');
    const tight = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    const inline = getComputedStyle(element).display === 'inline';
    if (outsideX || outsideY || (tight && !inline)) {
      const words = (element.getAttribute('aria-label') ?? element.textContent).trim().slice(0, 60);
      found.push(
        `${element.tagName} “${words}”: ${[Math.round(left), Math.round(top), Math.round(right), Math.round(bottom)]}`,
      );
    }
  }
  return found;
}

/** No finding that keeps someone from using the page, and no label cut off. */
async function isAccessible(person, page, look) {
  await settled(person);
  await person.screenshot(`${page}-${look.name}`);
  // Evaluated through the debugger, which the page's content security policy does not bind.
  await person.page.evaluate(AXE);
  const { violations } = await person.page.evaluate(() => window.axe.run());
  const grave = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ target }) => target.join(' ')).slice(0, 5) }));
  assert.deepEqual(grave, [], `axe on ${page}, ${look.name}`);
  const overflow = await person.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${page}, ${look.name}: ${overflow} px wider than the window`);
  assert.deepEqual(await person.page.evaluate(cutOff), [], `cut off on ${page}, ${look.name}`);
}

/** Waits until nothing moves any more: a colour half-way through its change is no colour of ours. */
function settled(person) {
  return until('the page to come to rest', () =>
    person.page.evaluate(() =>
      document.getAnimations().every(({ effect, playState }) => {
        return playState !== 'running' || effect?.getComputedTiming().iterations === Infinity;
      }),
    ),
  );
}

/** By its button, or where there is no room for that, from the menu. */
async function opensPanel(person, hook) {
  if (!(await person.hook(hook).isVisible()))
    await person.page.getByRole('toolbar').locator('[aria-haspopup]').last().click();
  await person.hook(hook).click();
}

/** Opens something by a press, looks at it, and closes it by a key. */
async function opened(person, hook, shown, page, look) {
  await person.hook(hook).click();
  await shown.first().waitFor();
  await isAccessible(person, page, look);
  await person.page.keyboard.press('Escape');
  await shown.first().waitFor({ state: 'detached' });
}

const looks = LOOKS.flatMap((look) => {
  const { name, ...options } = look;
  return [
    [`every page outside a call can be used by everyone: ${name}`, (scene) => outside(scene, look, options)],
    [`a call with all its panels can be used by everyone: ${name}`, (scene) => inside(scene, look, options)],
  ];
});

async function outside(scene, look, options) {
  const ada = await scene.person('Ada', options);
  await ada.page.goto(scene.url);
  await ada.hook('create-room').waitFor();
  await isAccessible(ada, 'home', look);
  await ada.hook('join-link').fill('nonsense');
  await ada.hook('join-link').press('Enter');
  await ada.page.getByRole('alert').first().waitFor();
  await ada.page.locator('summary').click();
  await isAccessible(ada, 'home-options', look);
  await opened(ada, 'node-line', ada.hook('debug-panel'), 'debug-panel', look);

  await ada.page.goto(`${scene.url}/nowhere`);
  await ada.page.getByRole('heading').first().waitFor();
  await isAccessible(ada, 'not-found', look);
  await ada.page.goto(`${scene.url}/rooms/${'0'.repeat(26)}`);
  await ada.page.getByRole('heading').first().waitFor();
  await isAccessible(ada, 'no-such-room', look);

  const closed = await createRoom(scene.url, { host_name: 'Host', name: 'Board', password: 'secret' });
  await ada.page.goto(`${scene.url}/rooms/${closed.id}`);
  await ada.hook('room-password').waitFor();
  await ada.seesOneself();
  await ada.hook('join-room').click();
  await isAccessible(ada, 'lobby-password', look);

  const guarded = await createRoom(scene.url, { host_name: 'Host', name: 'Board', lobby: true });
  await ada.page.goto(`${scene.url}/rooms/${guarded.id}`);
  await ada.hook('display-name').fill('Ada');
  await ada.hook('join-room').click();
  await ada.hook('join-room').waitFor({ state: 'detached' });
  await ada.page.getByRole('heading', { level: 1 }).waitFor();
  await isAccessible(ada, 'waiting', look);

  await ada.page.goto(`${scene.url}/logs`);
  await ada.hook('log-record').first().waitFor();
  await isAccessible(ada, 'logs', look);
  await ada.hook('log-record').first().click();
  await ada.hook('log-detail').waitFor();
  await isAccessible(ada, 'log-detail', look);
  await ada.page.route('**/debug/api/logs*', (route) =>
    route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{"code":"unauthorized"}' }),
  );
  await ada.page.reload();
  await ada.hook('operator-gate').waitFor();
  await isAccessible(ada, 'operators-only', look);
}

async function inside(scene, look, options) {
  const ada = await scene.person('Ada', options);
  await ada.page.goto(scene.url);
  await ada.hook('create-room').click();
  await ada.hook('join-room').waitFor();
  await ada.hook('display-name').fill('Ada');
  await ada.seesOneself();
  await isAccessible(ada, 'lobby', look);

  await ada.enter();
  const guest = await scene.person('Grace');
  await guest.join(ada.page.url());
  await ada.sees('Grace');
  await ada.page.evaluate(() => document.activeElement?.blur());
  await isAccessible(ada, 'room', look);

  await ada.opensChat();
  await ada.say('hello');
  await ada.reads(['hello']);
  await isAccessible(ada, 'room-chat', look);
  await ada.page.keyboard.press('Escape');

  const panel = ada.page.getByRole('complementary');
  await panel.waitFor({ state: 'detached' });
  await opensPanel(ada, 'people-open');
  await panel.waitFor();
  await isAccessible(ada, 'room-people', look);
  const menus = ada.page.locator('[role="menu"]');
  await panel.locator('[aria-haspopup]').first().click();
  await menus.first().waitFor();
  await isAccessible(ada, 'room-member-menu', look);
  await menus.getByRole('menuitem').last().click();
  await ada.page.getByRole('alertdialog').waitFor();
  await isAccessible(ada, 'room-remove', look);
  await ada.page.keyboard.press('Escape');
  await ada.page.getByRole('alertdialog').waitFor({ state: 'detached' });
  await guest.turn('raise-hand', true);
  await opensPanel(ada, 'statistics-open');
  await panel.getByRole('table').waitFor();
  await isAccessible(ada, 'room-statistics', look);
  await panel.getByRole('button').first().click();
  await panel.waitFor({ state: 'detached' });

  for (const menu of await ada.page.getByRole('toolbar').locator('[aria-haspopup]').all()) {
    if (!(await menu.isVisible())) continue;
    const label = (await menu.getAttribute('data-testid')) ?? (await menu.getAttribute('aria-label'));
    await menu.click();
    const shown = ada.page.locator('[role="menu"], [role="dialog"], [role="listbox"]').first();
    await shown.waitFor();
    await isAccessible(ada, `room-menu-${label.replaceAll(/[^\p{L}]+/gu, '-')}`, look);
    await ada.page.keyboard.press('Escape');
    await shown.waitFor({ state: 'detached' });
  }
  await ada.page.keyboard.press('Shift+Slash');
  await ada.page.getByRole('dialog').waitFor();
  await isAccessible(ada, 'room-keys', look);
  await ada.page.keyboard.press('Escape');
  await ada.page.getByRole('dialog').waitFor({ state: 'detached' });

  const twin = await ada.duplicate();
  const bar = ada.page.locator('[data-testid="connection-state"][data-media="replaced"]');
  await bar.waitFor();
  await isAccessible(ada, 'room-replaced', look);
  await bar.getByRole('button').click();
  await ada.sees('Grace');
  await twin.page.close();

  await ada.losesItsPlace();
  await ada.page.reload();
  await ada.page.locator('form [role="status"]').first().waitFor();
  await ada.seesOneself();
  await isAccessible(ada, 'lobby-lapsed', look);
  await ada.enter();

  await ada.leave();
  await isAccessible(ada, 'ended', look);
}

scenes({
  ...Object.fromEntries(looks),

  'the way from the home page into a call needs no pointer': async (scene) => {
    const ada = await scene.person('Ada');
    await ada.page.goto(scene.url);
    await ada.hook('create-room').focus();
    await ada.page.keyboard.press('Enter');
    await ada.hook('display-name').fill('Ada');
    await ada.page.keyboard.press('Enter');
    await ada.isConnected();
    await ada.hook('toggle-mic').focus();
    await ada.page.keyboard.press('Space');
    assert.equal(await ada.isOn('toggle-mic'), false);
  },

  'a link to a room that is not there says so and leads home': async (scene) => {
    const ada = await scene.person('Ada');
    await ada.page.goto(`${scene.url}/rooms/${'0'.repeat(26)}`);
    await ada.page.getByRole('heading', { name: 'There is no such room' }).waitFor();
    await ada.screenshot('room-not-found');
    assert.equal(await ada.hook('leave-room').count(), 0);
    await ada.page.getByRole('button', { name: 'To the home page' }).click();
    await ada.hook('create-room').waitFor();
  },

  'where the browser refuses the camera one can still join and see the others': async (scene) => {
    const { link } = await scene.call('Ada');
    const grace = await scene.person('Grace');
    await grace.page.addInitScript(() => {
      const refuse = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
      navigator.mediaDevices.getUserMedia = refuse;
    });
    await grace.join(link);
    await grace.sees('Ada');
    await grace.hears(1);
    await grace.screenshot('no-devices');
  },
});
