/** Every page with axe, in both themes and languages, at the widths that people have; the pictures are for reviewers. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { scenes } from './harness/scene.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LOOKS = [
  { name: 'light-en', colorScheme: 'light', locale: 'en-US', viewport: { width: 1280, height: 800 } },
  { name: 'dark-ru', colorScheme: 'dark', locale: 'ru-RU', viewport: { width: 360, height: 740 } },
  { name: 'light-ru-wide', colorScheme: 'light', locale: 'ru-RU', viewport: { width: 2560, height: 1440 } },
];

/** No finding that keeps someone from using the page, and no label cut off at the side. */
async function isAccessible(person, page, look) {
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
}

const looks = LOOKS.map((look) => [
  `every page can be used by everyone: ${look.name}`,
  async (scene) => {
    const { name, ...options } = look;
    const ada = await scene.person('Ada', options);
    await ada.page.goto(scene.url);
    await ada.hook('create-room').waitFor();
    await isAccessible(ada, 'home', look);

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

    const reader = await scene.person('Reader', options);
    await reader.page.goto(`${scene.url}/logs`);
    await reader.page.getByRole('main').waitFor();
    await isAccessible(reader, 'logs', look);
  },
]);

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
