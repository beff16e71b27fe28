/** What people's browsers forbid and a test's browser usually lets pass: devices on an insecure address, sound before a press. */

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { scenes } from './harness/scene.mjs';

const HOST = 'insecure.test';

scenes(
  {
    'an insecure address says why devices are missing, and one can still join, see and hear': async (scene) => {
      const ada = await scene.person('Ada');
      const link = await ada.create(scene.url);
      const grace = await scene.person('Grace');
      await grace.page.goto(link.replace('127.0.0.1', HOST));
      await grace.page.getByText('Open this address with https.').waitFor();
      await grace.page.getByText('You can still join, see and hear the others.').waitFor();
      assert.equal(await grace.page.evaluate(() => window.isSecureContext), false);
      await grace.screenshot('insecure-lobby');
      await grace.enter();
      await grace.sees('Ada');
      await grace.hears(1);
      assert.equal(await grace.isOn('toggle-mic'), false);
      await ada.meets('Grace');
    },

    'from another address the log asks for a token, opens by it, and is closed again by signing out': async (scene) => {
      const operator = await scene.person('Operator');
      const { hook, page } = { hook: (name) => operator.hook(name), page: operator.page };
      await page.goto(`${scene.url.replace('127.0.0.1', HOST)}/logs`);
      await hook('operator-token').fill('no token');
      await hook('operator-open').click();
      await page.getByText('The server does not take this token.').waitFor();
      await hook('operator-token').fill(await scene.server.operatorToken());
      await hook('operator-open').click();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.reload();
      await hook('log-record').first().waitFor();
      await hook('operator-sign-out').click();
      await hook('operator-gate').waitFor();
      assert.deepEqual(await operator.context.cookies(), []);
      await page.reload();
      await hook('operator-gate').waitFor();
    },

    'the level of the microphone moves for whoever comes by a link, from the first press on': async (scene) => {
      const ada = await scene.person('Ada');
      const link = await ada.create(scene.url);
      const grace = await scene.person('Grace');
      await grace.page.goto(link);
      await grace.seesOneself();
      await grace.page.getByRole('heading', { level: 1 }).click();
      const level = grace.page.getByRole('meter');
      await until('the meter to move', async () => Number(await level.getAttribute('aria-valuenow')) > 0);
      await grace.enter();
      await grace.hears(1);
    },
  },
  { autoplay: false, flags: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`] },
);
