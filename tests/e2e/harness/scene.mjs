/**
 * One test with everything it needs: a node, people, and the clearing up. When a test fails, what everyone saw and what the
 * node logged are shown.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '../../harness/server.mjs';
import { launch } from './browser.mjs';
import { Network } from './network.mjs';
import { Person } from './person.mjs';

/** Of one scene. As a flag, `--test-timeout` limits the whole file on Node 20. */
const SCENE_MS = 240_000;

export class Scene {
  people = [];
  networks = [];

  constructor(browser, server) {
    Object.assign(this, { browser, server });
  }

  get url() {
    return this.server.url;
  }

  /** A page that is nowhere yet. */
  async person(name, options) {
    const person = await Person.open(this.browser, name, options);
    this.people.push(person);
    return person;
  }

  /** A room made by the first; all the others join by its link, and everyone meets everyone. Answers the link and the people. */
  async call(...names) {
    const [host, ...guests] = await Promise.all(names.map((name) => this.person(name)));
    const link = await host.create(this.url);
    for (const guest of guests) await guest.join(link);
    const people = [host, ...guests];
    await everyone(people, (person) => person.meets(...names.filter((name) => name !== person.name)));
    return { link, people };
  }

  /** A network that can be cut, between a person and the node. */
  async network() {
    const network = await Network.to(this.url);
    this.networks.push(network);
    return network;
  }

  async report(name) {
    const slug = name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 60);
    for (const person of this.people) {
      await person.screenshot(`failed-${slug}-${person.name}`).catch(() => undefined);
      if (person.faults.length > 0) console.error(`${person.name}: ${person.faults.join('\n')}`);
    }
    console.error(`--- the node's log, last lines, of: ${name}\n${this.server.log(80)}`);
  }

  async close() {
    for (const person of this.people) await person.context.close().catch(() => undefined);
    for (const network of this.networks) await network.close();
    await this.server.dispose();
  }
}

/** The same for all of them, at the same time. */
export function everyone(people, act) {
  return Promise.all(people.map(act));
}

/**
 * Declares the tests of a file; they share one browser, made as `options` say (see `launch`). Each has a `server` of its own: a node, or what
 * else is started and disposed like one.
 */
export function scenes(tests, { server = Server, ...options } = {}) {
  let browser;
  test.before(async () => {
    browser = await launch(options);
  });
  test.after(() => browser?.close());
  for (const [name, act] of Object.entries(tests)) {
    test(name, { timeout: SCENE_MS }, async () => {
      const scene = new Scene(browser, await server.start());
      try {
        await act(scene);
        for (const { name: who, faults } of scene.people) assert.deepEqual(faults, [], `faults on ${who}'s page`);
      } catch (error) {
        await scene.report(name);
        throw error;
      } finally {
        await scene.close();
      }
    });
  }
}
