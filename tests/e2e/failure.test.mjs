/** What happens to a call when something breaks. The promise: people notice no more than a pause, and nobody is switched on. */

import assert from 'node:assert/strict';
import { joinRoom } from '../harness/api.mjs';
import { pause, until } from '../harness/until.mjs';
import { CLIENTS, Member } from '../clients/member.mjs';
import { everyone, scenes } from './harness/scene.mjs';

const OUTAGE_MS = 10_000;

scenes({
  'a network that is lost for ten seconds: a pause, and everything is back without a reload': (scene) =>
    outage(scene, { offline: true }),

  'a network that only falls silent for ten seconds, the browser none the wiser': (scene) =>
    outage(scene, { offline: false }),

  'a connection that broke: what the others did with their devices meanwhile is right at once': async (scene) => {
    const network = await scene.network();
    const ada = await scene.person('Ada');
    const grace = await scene.person('Grace', { network });
    const link = await ada.create(scene.url);
    await grace.join(link.replace(scene.url, network.url));
    await grace.sees('Ada');
    await grace.knowsAsMuted('Ada', false);
    const since = await grace.now();
    network.cut();
    network.drop();
    await until('Grace to be told', async () => (await grace.noted('connection', since)).includes('reconnecting'));
    await ada.turn('toggle-mic', false);
    network.heal();
    await grace.isConnected();
    await grace.knowsAsMuted('Ada', true);
    await grace.sees('Ada');
  },

  'the server killed and started again: all three are back, with video, chat and roles, and no microphone came on':
    async (scene) => {
      const { link, people } = await scene.call('Ada', 'Grace', 'Linus');
      const [ada, grace, linus] = people;
      const others = (person) => people.filter((other) => other !== person).map(({ name }) => name);
      await everyone(people, (person) => person.sees(others(person)));
      await everyone(people, (person) => person.opensChat());
      await ada.say('first');
      await grace.reads(['first']);
      await grace.say('second');
      await everyone(people, (person) => person.reads(['first', 'second']));
      const quietSince = await linus.settlesIn('third');
      await ada.hears(1);
      await everyone(people, (person) => person.mark());
      const before = await roster(scene, link);
      const heardOfLinus = await ada.listensTo('Linus');

      await scene.server.kill();
      await until('everyone to be told', async () => {
        const states = await everyone(people, (person) => person.state());
        return states.every((state) => state !== 'connected');
      });
      await ada.screenshot('server-gone');
      await scene.server.start();

      await everyone(people, (person) => person.isConnected());
      await everyone(people, (person) => person.meets(...others(person)));
      await everyone(people, (person) => person.sees(others(person)));
      await everyone(people, (person) => person.reads(['first', 'second']));
      await everyone(people, (person) => person.wasNotReloaded());
      assert.deepEqual(await roster(scene, link), before);
      await linus.isSilent();
      await ada.hears(1);
      await linus.hears(2);
      assert.deepEqual(await heardOfLinus(), [], 'what Ada heard of Linus');
      await linus.isSettled('third', quietSince);
      await linus.hook('chat-input').press('Enter');
      await everyone(people, (person) => person.reads(['first', 'second', 'third']));
    },

  'a chat line sent while the server is away arrives once it is back, once': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    const [ada, grace] = people;
    await everyone(people, (person) => person.opensChat());
    await ada.say('before');
    await grace.reads(['before']);
    await scene.server.kill();
    await until('Ada to be told', async () => (await ada.state()) !== 'connected');
    await ada.say('into the gap');
    await scene.server.start();
    await everyone(people, (person) => person.isConnected());
    await everyone(people, (person) => person.reads(['before', 'into the gap']));
  },

  'a server that stops in good order lets the people come back when it is there again': async (scene) => {
    const { people } = await scene.call('Ada', 'Grace');
    await everyone(people, (person) => person.mark());
    assert.equal(await scene.server.stop(), 0, 'exit code');
    await scene.server.start();
    await everyone(people, (person) => person.isConnected());
    await people[0].sees('Grace');
    await people[1].sees('Ada');
    await everyone(people, (person) => person.wasNotReloaded());
  },
});

/** Ten seconds to the moment, whatever was seen in between; `offline` lets the browser know that there is no network. */
async function outage(scene, { offline }) {
  const network = await scene.network();
  const ada = await scene.person('Ada');
  const grace = await scene.person('Grace', { network });
  const link = await ada.create(scene.url);
  await grace.join(link.replace(scene.url, network.url));
  await everyone([ada, grace], (person) => person.mark());
  await ada.sees('Grace');
  await grace.sees('Ada');
  await everyone([ada, grace], (person) => person.opensChat());
  await ada.say('before');
  await grace.reads(['before']);
  const since = await grace.settlesIn('not sent yet');
  await ada.hears(0);
  const id = await grace.idOf('Grace');
  const shown = await ada.tracksOf('Grace');

  network.cut();
  if (offline) await grace.context.setOffline(true);
  const healed = pause(OUTAGE_MS).then(async () => {
    network.heal();
    if (offline) await grace.context.setOffline(false);
  });
  await ada.say('meanwhile');
  await ada.turn('toggle-mic', false);
  await ada.losesSightOf(shown);
  // The browser's word comes at once; a silence is first heard by the media.
  const [what, told] = offline ? ['connection', 'reconnecting'] : ['media', 'restoring'];
  await until('Grace to be told', async () => (await grace.noted(what, since)).includes(told));
  await grace.screenshot(offline ? 'network-gone' : 'media-gone');
  await healed;

  await grace.isConnected();
  await ada.sees('Grace');
  await grace.sees('Ada');
  await grace.reads(['before', 'meanwhile']);
  // What was said in passing arrived, too.
  await grace.knowsAsMuted('Ada', true);
  await ada.turn('toggle-mic', true);
  await grace.knowsAsMuted('Ada', false);
  await grace.hears(1);
  await everyone([ada, grace], (person) => person.wasNotReloaded());
  assert.equal(await grace.idOf('Grace'), id);
  assert.equal(await ada.idOf('Grace'), id);
  await ada.hears(0);
  await grace.isSettled('not sent yet', since);
}

/** Who is in the room and in which role, as a member who only looks is told. */
async function roster(scene, link) {
  const room = new URL(link).pathname.split('/').at(-1);
  const { token } = await joinRoom(scene.url, room, { name: 'Observer', role: 'viewer' });
  const observer = new Member(CLIENTS[0], scene.server.socketUrl, room, token);
  const { snapshot } = await observer.join();
  await observer.push('leave');
  await observer.disconnect();
  return snapshot.members
    .filter(({ name }) => name !== 'Observer')
    .map(({ participant_id, name, role, media }) => ({ participant_id, name, role, microphone: media.microphone }))
    .sort((a, b) => a.name.localeCompare(b.name));
}
