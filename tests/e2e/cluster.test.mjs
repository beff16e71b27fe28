/** Three people at three nodes in one room, and what they notice when a node is gone. */

import assert from 'node:assert/strict';
import { Cluster } from '../harness/cluster.mjs';
import { everyone, scenes } from './harness/scene.mjs';

scenes(
  {
    'the owner of a room is killed: everyone sees and hears everyone again, without a reload': async (scene) => {
      const { people, room } = await meet(scene);
      const [ada, grace, linus] = people;
      await everyone(people, (person) => person.opensChat());
      await ada.say('before');
      await everyone(people, (person) => person.reads(['before']));
      const quietSince = await linus.settlesIn('not sent yet');
      await everyone(people, (person) => person.mark());

      const owner = await scene.server.owner(room);
      await owner.kill();

      await grace.say('after');
      await everyone(people, (person) => person.reads(['before', 'after']));
      await everyone(people, (person) => person.isConnected());
      await everyone(people, (person) => person.sees(others(people, person)));
      await everyone(people, (person) => person.wasNotReloaded());
      await linus.isSilent();
      await ada.hears(1);
      await linus.isSettled('not sent yet', quietSince);
    },

    'a node that is asked to stop hands its rooms over: nobody is told of anything but a pause': async (scene) => {
      const { people, room } = await meet(scene);
      await everyone(people, (person) => person.opensChat());
      await everyone(people, (person) => person.mark());
      const owner = await scene.server.owner(room);
      assert.equal(await owner.stop(), 0, 'exit code');
      await people[1].say('after');
      await everyone(people, (person) => person.reads(['after']));
      await everyone(people, (person) => person.isConnected());
      await everyone(people, (person) => person.sees(others(people, person)));
      await everyone(people, (person) => person.wasNotReloaded());
    },
  },
  { server: Cluster },
);

/** Three people, each at a door of another node, in one room. */
async function meet(scene) {
  const names = ['Ada', 'Grace', 'Linus'];
  const people = await Promise.all(names.map((name) => scene.person(name)));
  const doors = await Promise.all(names.map((_, first) => scene.server.door(first)));
  const link = await people[0].create(doors[0]);
  for (const [at, person] of people.entries()) {
    if (at > 0) await person.join(link.replace(doors[0], doors[at]));
  }
  await everyone(people, (person) => person.meets(...others(people, person)));
  await everyone(people, (person) => person.sees(others(people, person)));
  return { people, room: new URL(link).pathname.split('/').at(-1) };
}

function others(people, person) {
  return people.filter((other) => other !== person).map(({ name }) => name);
}
