/**
 * The stock `phoenix` npm clients against a real node, unmodified: whatever they expect of a Phoenix server must hold here.
 * Each test runs with 1.8.16 and with 1.7.21.
 */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { createRoom, joinRoom } from '../harness/api.mjs';
import { Server } from '../harness/server.mjs';
import { until } from '../harness/until.mjs';
import { CLIENTS, Member } from './member.mjs';

/** Of one test. As a flag, `--test-timeout` limits the whole file on Node 20. */
const timeout = 120_000;

for (const client of CLIENTS) {
  describe(`phoenix ${client.version}`, () => {
    /** @type {Server} */
    let server;
    /** @type {Member[]} */
    let members = [];

    before(async () => {
      server = await Server.start();
    });
    after(() => server.dispose());
    afterEach(async () => {
      await Promise.all(members.map((member) => member.disconnect()));
      members = [];
    });

    /** A test that shows the node's log when it fails. */
    function it(name, body) {
      test(name, { timeout }, () =>
        body().catch((error) => Promise.reject(Object.assign(error, { stack: `${error.stack}\n${server.log()}` }))),
      );
    }

    function member(room, token, options) {
      const made = new Member(client, server.socketUrl, room, token, options);
      members.push(made);
      return made;
    }

    /** A room with its host and one guest, both joined. */
    async function pair() {
      const { id, token } = await createRoom(server.url, { host_name: 'Ada' });
      const ada = member(id, token);
      await ada.join();
      const guest = await joinRoom(server.url, id, { name: 'Grace' });
      const grace = member(id, guest.token);
      await grace.join();
      return { id, ada, grace };
    }

    it('a join is answered with an identity, a position and the room', async () => {
      const { id, token, participant_id } = await createRoom(server.url, { host_name: 'Ada' });
      const reply = await member(id, token).join();
      assert.equal(reply.participant_id, participant_id);
      assert.ok(reply.epoch > 0 && reply.seq > 0, JSON.stringify(reply));
      assert.match(reply.resume, new RegExp(`^${participant_id}\\..{43}$`));
      assert.equal(reply.snapshot.room.id, id);
      const [ada] = reply.snapshot.members;
      assert.deepEqual([ada.participant_id, ada.name, ada.role], [participant_id, 'Ada', 'host']);
    });

    it('a join with a forged token is refused and the reason is typed', async () => {
      const { id, token } = await createRoom(server.url);
      const [head, body, signature] = token.split('.');
      const forged = [head, body, [...signature].reverse().join('')].join('.');
      const stranger = member(id, forged);
      if (client.version.startsWith('1.7')) {
        await assert.rejects(stranger.join(), { reason: 'unauthorized' });
      } else {
        stranger.socket.connect();
        let errors = 0;
        stranger.socket.onError(() => (errors += 1));
        const refused = stranger.join().then(
          () => assert.fail('joined'),
          (error) => error.reason,
        );
        const met = await Promise.race([
          refused,
          until('the socket to be refused', () => errors > 0 && 'socket refused'),
        ]);
        assert.ok(['unauthorized', 'socket refused'].includes(met), met);
        refused.catch(() => undefined);
      }
    });

    it('a join without any token is refused', async () => {
      const { id } = await createRoom(server.url);
      const stranger = member(id, undefined);
      if (client.version.startsWith('1.8')) stranger.socket.authToken = undefined;
      stranger.params = () => ({});
      await assert.rejects(stranger.join(), { reason: 'unauthorized' });
    });

    it('a chat line is committed, answered with its position and heard by all, the sender too', async () => {
      const { ada, grace } = await pair();
      const reply = await grace.push('chat_send', { id: 'one', text: 'hello' });
      assert.ok(reply.epoch > 0 && reply.seq > 0, JSON.stringify(reply));
      for (const listener of [ada, grace]) {
        const heard = await listener.hears('chat_message', ({ id }) => id === 'one');
        assert.deepEqual([heard.text, heard.name, heard.seq], ['hello', 'Grace', reply.seq]);
      }
    });

    it('the same chat id sent twice is one message with one answer', async () => {
      const { ada, grace } = await pair();
      const first = await grace.push('chat_send', { id: 'same', text: 'once' });
      const second = await grace.push('chat_send', { id: 'same', text: 'once' });
      assert.deepEqual(second, first);
      await grace.push('chat_send', { id: 'last', text: 'after it' });
      await ada.hears('chat_message', ({ id }) => id === 'last');
      assert.equal(
        ada.count('chat_message', ({ id }) => id === 'same'),
        1,
      );
    });

    it('data comes back to every member, the sender too, as it was sent', async () => {
      const { ada, grace } = await pair();
      const data = { kind: 'cursor', at: [1.5, -2], text: 'Привет ✓', nothing: null };
      await grace.push('data', data);
      for (const listener of [ada, grace]) {
        const heard = await listener.hears('data');
        assert.deepEqual(heard, { from: grace.joins[0].participant_id, data });
      }
    });

    it('data that is too large, or no object, is refused and the room goes on', async () => {
      const { ada, grace } = await pair();
      await assert.rejects(grace.push('data', { text: 'x'.repeat(20_000) }), { reason: 'too_large' });
      await assert.rejects(grace.push('chat_send', { id: 'bad', text: 7 }), { reason: 'invalid' });
      await grace.push('data', { still: 'here' });
      await ada.hears('data', ({ data }) => data.still === 'here');
    });

    it("the client's own Presence shows who is there, and who has gone", async () => {
      const { id, token } = await createRoom(server.url, { host_name: 'Ada' });
      const ada = member(id, token);
      const presence = new client.Presence(ada.channel);
      const names = () =>
        presence
          .list((_, { metas: [meta] }) => meta.name)
          .sort()
          .join();
      await ada.join();
      await until('Ada alone', () => names() === 'Ada', { show: names });
      const grace = member(id, (await joinRoom(server.url, id, { name: 'Grace' })).token);
      const reply = await grace.join();
      await until('both', () => names() === 'Ada,Grace', { show: names });
      const metas = presence.list((key, { metas: found }) => [key, found.length]);
      assert.ok(
        metas.some(([key, count]) => key === reply.participant_id && count === 1),
        JSON.stringify(metas),
      );
      await grace.push('leave');
      await until('Ada alone again', () => names() === 'Ada', { show: names });
    });

    it('joining a topic twice on one socket leaves one living channel', async () => {
      const { ada, grace } = await pair();
      const former = grace.channel;
      grace.channel = grace.open();
      await grace.join();
      await until('the former channel to be closed', () => former.state === 'closed');
      assert.equal(grace.channel.state, 'joined');
      grace.heard.length = 0;
      await ada.push('data', { n: 1 });
      await grace.hears('data');
      await ada.push('data', { n: 2 });
      await grace.hears('data', ({ data }) => data.n === 2);
      assert.equal(
        grace.count('data', ({ data }) => data.n === 1),
        1,
      );
      assert.equal(grace.joins[0].participant_id, grace.joins[1].participant_id);
    });

    it('someone who leaves is told so by phx_close, the others by an event', async () => {
      const { ada, grace } = await pair();
      await grace.push('leave');
      const left = await ada.hears('member_left');
      assert.deepEqual([left.participant_id, left.reason], [grace.joins[0].participant_id, 'left']);
      await until('the channel to be closed', () => grace.channel.state === 'closed');
      assert.ok(grace.socket.isConnected());
    });

    it('someone who is kicked hears why, and then its channel is closed for good', async () => {
      const { ada, grace } = await pair();
      const [{ participant_id }] = grace.joins;
      await ada.push('member_kick', { participant_id });
      const kicked = await grace.hears('kicked');
      assert.deepEqual(kicked, { by: ada.joins[0].participant_id, banned: false });
      await until('the channel to be closed', () => grace.channel.state === 'closed');
      const left = await ada.hears('member_left');
      assert.deepEqual([left.participant_id, left.reason], [participant_id, 'kicked']);
      assert.equal(ada.channel.state, 'joined');
      assert.ok(grace.socket.isConnected());
      assert.equal(grace.joins.length, 1);
    });

    it('the end of a room is told to all and closes their channels', async () => {
      const { ada, grace } = await pair();
      await ada.push('room_end');
      for (const listener of [ada, grace]) {
        assert.equal((await listener.hears('room_ended')).reason, 'host');
        await until('the channel to be closed', () => listener.channel.state === 'closed');
      }
    });

    it('heartbeats are answered in time, however often they come', async () => {
      const { id, token } = await createRoom(server.url);
      const ada = member(id, token, { heartbeatIntervalMs: 250 });
      let answered = 0;
      ada.socket.onMessage(({ topic, event }) => {
        if (topic === 'phoenix' && event === 'phx_reply') answered += 1;
      });
      await ada.join();
      await until('five answers', () => answered >= 5, { show: () => answered });
      assert.deepEqual(ada.closes, []);
      assert.equal(ada.channel.state, 'joined');
    });

    it('a resumed member gets what it missed and keeps its identity', async () => {
      const { ada, grace } = await pair();
      await grace.push('chat_send', { id: 'before', text: 'before' });
      await grace.hears('chat_message', ({ id }) => id === 'before');
      await grace.disconnect();
      await ada.push('chat_send', { id: 'missed', text: 'missed' });
      grace.socket.connect();
      const reply = await until('the second join', () => grace.joins[1]);
      assert.equal(reply.participant_id, grace.joins[0].participant_id);
      assert.equal(reply.snapshot, undefined, 'a short tail is answered as events');
      const missed = reply.events.filter(({ event }) => event === 'chat_message');
      assert.deepEqual(
        missed.map(({ payload }) => payload.text),
        ['missed'],
      );
    });

    it('a resumed member also learns whose devices and connections changed meanwhile, which is in no event', async () => {
      const { id, ada, grace } = await pair();
      const lin = member(id, (await joinRoom(server.url, id, { name: 'Lin' })).token);
      await lin.join();
      const [adaId, linId] = [ada, lin].map(({ joins: [{ participant_id }] }) => participant_id);
      await ada.push('media', { microphone: true, camera: false, screen: false });
      await grace.hears('media_changed', ({ media }) => media.microphone);
      await grace.disconnect();
      await ada.push('media', { microphone: false, camera: true, screen: false });
      await lin.disconnect();
      await ada.hears('connection_changed', (changed) => changed.participant_id === linId);
      grace.socket.connect();
      const reply = await until('the second join', () => grace.joins[1]);
      assert.equal(reply.snapshot, undefined, 'a short tail is answered as events');
      const live = new Map(reply.live.map(({ participant_id, ...rest }) => [participant_id, rest]));
      assert.deepEqual(live.get(adaId), {
        state: 'connected',
        media: { microphone: false, camera: true, screen: false },
      });
      assert.equal(live.get(linId).state, 'reconnecting');
      assert.equal(live.get(reply.participant_id).state, 'connected');
      assert.equal(live.size, 3);
    });

    it('a server that stops sends everyone away with 1012, and they come back by themselves to the next', async () => {
      const { ada, grace } = await pair();
      assert.equal(await server.stop(), 0);
      const show = () => [ada.closes, grace.closes];
      await until('both to be sent away', () => ada.closes.length && grace.closes.length, { show });
      assert.deepEqual([ada.closes[0], grace.closes[0]], [1012, 1012]);
      await server.start();
      await until('both to have joined again', () => ada.joins.length > 1 && grace.joins.length > 1);
      assert.equal(grace.joins.at(-1).participant_id, grace.joins[0].participant_id);
      await grace.push('chat_send', { id: 'back', text: 'back' });
      await ada.hears('chat_message', ({ id }) => id === 'back');
    });

    it('after the server is killed and started again the client is back by itself and nothing is lost', async () => {
      const { ada, grace } = await pair();
      const { seq } = await grace.push('chat_send', { id: 'kept', text: 'kept' });
      await server.kill();
      await server.start();
      await until(
        'both to have joined again',
        () => ada.channel.state === 'joined' && grace.channel.state === 'joined',
        {
          show: () => [ada.channel.state, grace.channel.state],
        },
      );
      const reply = await until('an answer', () =>
        grace.push('chat_send', { id: 'kept', text: 'kept' }).catch(() => null),
      );
      assert.equal(reply.seq, seq, 'the retry of a committed line gets the first answer');
      const later = await grace.push('chat_send', { id: 'later', text: 'later' });
      assert.ok(later.seq > seq);
      const heard = await ada.hears('chat_message', ({ id }) => id === 'later');
      assert.equal(heard.from, grace.joins[0].participant_id);
      const { snapshot } = await ada.push('snapshot');
      assert.deepEqual(
        snapshot.chat.map(({ text }) => text),
        ['kept', 'later'],
      );
      assert.deepEqual(snapshot.members.map(({ name, role }) => [name, role]).sort(), [
        ['Ada', 'host'],
        ['Grace', 'participant'],
      ]);
    });
  });
}

describe('phoenix 1.8.16 only', () => {
  test('authToken may be a function, asked anew for each connection', { timeout }, async (t) => {
    const [client] = CLIENTS;
    const server = await Server.start();
    t.after(() => server.dispose());
    const { id, token } = await createRoom(server.url);
    let asked = 0;
    const ada = new Member(client, server.socketUrl, id, () => {
      asked += 1;
      return token;
    });
    t.after(() => ada.disconnect());
    await ada.join();
    ada.params = () => ({});
    await server.kill();
    await server.start();
    await until('the client to be back', () => ada.channel.state === 'joined');
    assert.ok(asked >= 2, `asked ${asked} times`);
  });
});
