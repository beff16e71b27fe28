/** What can only be shown of the wire from inside a browser. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRoom } from '../harness/api.mjs';
import { scenes } from './harness/scene.mjs';

const PHOENIX = new URL('../clients/node_modules/phoenix/priv/static/phoenix.min.js', import.meta.url);

scenes({
  'the stock phoenix client joins in a browser with its token as authToken': async (scene) => {
    const { id, token, participant_id } = await createRoom(scene.url, { host_name: 'Ada' });
    const { page } = await scene.person('Ada');
    await page.goto(scene.url);
    await page.evaluate(await readFile(PHOENIX, 'utf8'));
    const heard = await page.evaluate(
      ([room, authToken]) =>
        new Promise((resolve, reject) => {
          const socket = new window.Phoenix.Socket('/ws', { authToken });
          socket.connect();
          const channel = socket.channel(`room:${room}`);
          channel.on('data', resolve);
          channel
            .join()
            .receive('error', reject)
            .receive('ok', () => channel.push('data', { hello: 1 }));
        }),
      [id, token],
    );
    assert.deepEqual(heard, { from: participant_id, data: { hello: 1 } });
  },

  'no token and no secret is ever in a URL': async (scene) => {
    const ada = await scene.person('Ada');
    const urls = [];
    ada.page.on('request', (request) => urls.push(request.url()));
    ada.page.on('websocket', (socket) => urls.push(socket.url()));
    const link = await ada.create(scene.url);
    await ada.reload();
    urls.push(link, ada.page.url());
    const room = new URL(link).pathname.split('/').at(-1);
    assert.ok(
      urls.some((url) => url.startsWith('ws')),
      'the socket was seen',
    );
    // Files of the page have long names of their own.
    const asked = urls.filter((url) => !new URL(url).pathname.startsWith('/assets/'));
    const long = asked.filter((url) =>
      /[\w.-]{40,}|token=/.test(new URL(url).pathname.replace(room, '') + new URL(url).search),
    );
    assert.deepEqual(long, []);
  },
});
