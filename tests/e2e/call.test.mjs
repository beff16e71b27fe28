/** A call as people know it: they come and go, mute, show their screens. Every claim is measured in decoded media. */

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { everyone, scenes } from './harness/scene.mjs';

scenes({
  'three people in one call see and hear one another': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace', 'Linus');
    await everyone(people, async (person) => {
      await person.sees(people.filter((other) => other !== person).map(({ name }) => name));
      await person.hears(2);
    });
    await people[0].screenshot('call');
  },

  'someone who comes late sees and hears those who are there, and they the newcomer': async (scene) => {
    const { link, people } = await scene.call('Ada', 'Grace');
    await everyone(people, (person) => person.hears(1));
    const late = await scene.person('Linus');
    await late.join(link);
    await late.sees(['Ada', 'Grace']);
    await late.hears(2);
    await everyone(people, (person) => person.sees('Linus'));
  },

  'someone who leaves is gone for the others, and the call goes on': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace', 'Linus');
    const [ada, grace, linus] = people;
    await everyone([ada, grace], (person) => person.sees('Linus'));
    await linus.leave();
    await ada.meets('Grace');
    await grace.meets('Ada');
    await ada.sees('Grace');
    await ada.hears(1);
  },

  'someone who left comes back by the same link': async (scene) => {
    const { link, people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await ada.sees('Grace');
    await grace.leave();
    await ada.meets();
    await grace.join(link);
    await ada.meets('Grace');
    await everyone(people, async (person) => {
      await person.sees(person === ada ? 'Grace' : 'Ada');
      await person.hears(1);
    });
  },

  'a tab that is killed stops at once for the others, and its tile goes after the grace time': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace', 'Linus');
    const [ada, grace, linus] = people;
    await ada.sees(['Grace', 'Linus']);
    const shown = await ada.tracksOf('Linus');
    await linus.crash();
    await ada.losesSightOf(shown);
    await ada.sees('Grace');
    await until('the killed tab to be gone', async () => !(await ada.tiles()).some(({ name }) => name === 'Linus'), {
      deadlineMs: 60_000,
      show: () => ada.tiles(),
    });
    await grace.meets('Ada');
  },

  'a muted microphone is not heard until it is switched on again': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await ada.hears(1);
    await grace.turn('toggle-mic', false);
    await ada.hears(0);
    await grace.hears(1);
    await ada.sees('Grace');
    await grace.turn('toggle-mic', true);
    await ada.hears(1);
  },

  'a camera that is off sends no picture until it is switched on again': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await ada.sees('Grace');
    const shown = await ada.tracksOf('Grace');
    await grace.turn('toggle-camera', false);
    await ada.losesSightOf(shown);
    await ada.hears(1);
    await grace.turn('toggle-camera', true);
    await ada.sees('Grace');
  },

  'a shared screen is seen beside the camera, by someone who comes later too, until it is stopped': async (scene) => {
    const { link, people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await ada.sees('Grace');
    await grace.hook('toggle-screen').click();
    await ada.sees('Grace', { count: 2 });
    const late = await scene.person('Linus');
    await late.join(link);
    await late.sees('Grace', { count: 2 });
    await ada.screenshot('screen-share');
    await grace.hook('toggle-screen').click();
    await until('one picture of Grace to be left', async () => (await ada.framesOf('Grace')).size === 1, {
      show: () => ada.tiles(),
    });
    await ada.sees('Grace');
  },

  'a reload keeps the identity: same participant, same tile, media again': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    const id = await grace.idOf('Grace');
    assert.equal(await ada.idOf('Grace'), id);
    await grace.reload();
    assert.equal(await grace.idOf('Grace'), id);
    await ada.meets('Grace');
    assert.equal(await ada.idOf('Grace'), id);
    await ada.sees('Grace');
    await grace.sees('Ada');
    await everyone(people, (person) => person.hears(1));
  },

  'a reload keeps the microphone off, the hand up, and the chat open with what was not sent': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await ada.hears(1);
    await grace.settlesIn('not sent yet');
    const before = await ada.idOf('Grace');
    await grace.reload();
    await grace.isSettled('not sent yet', 0);
    assert.equal(await grace.idOf('Grace'), before);
    await ada.sees('Grace');
    await grace.isSilent();
    await ada.hears(0);
    await grace.isSettled('not sent yet', 0);
  },

  'chat is read by all, in order, and by someone who comes later': async (scene) => {
    const { link, people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await everyone(people, (person) => person.opensChat());
    await ada.say('first');
    await grace.reads(['first']);
    await grace.say('<b>second</b>');
    await everyone(people, (person) => person.reads(['first', '<b>second</b>']));
    const late = await scene.person('Linus');
    await late.join(link);
    await late.opensChat();
    await late.reads(['first', '<b>second</b>']);
  },

  'a raised hand is seen by the others': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await grace.turn('raise-hand', true);
    const tile = ada.page.locator('[data-testid="participant-tile"][data-name="Grace"]');
    const mark = tile.first().getByRole('img', { name: 'hand raised' });
    await mark.waitFor();
    await grace.turn('raise-hand', false);
    await mark.waitFor({ state: 'detached' });
  },
});
