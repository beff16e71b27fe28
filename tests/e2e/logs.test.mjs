/** The log page as whoever looks for a fault uses it: narrow, share the address, stop, go on. */

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { scenes } from './harness/scene.mjs';

/** Writes records as a browser's page would. */
async function write(scene, ...messages) {
  const records = messages.map((message) => ({ level: 'warn', service: 'frontend', at: Date.now(), message }));
  const response = await fetch(`${scene.url}/debug/api/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ records }),
  });
  assert.ok(response.ok, String(response.status));
}

scenes({
  'a filter is the address: a reload shows the same lines, and taking the chip off shows the others again': async (
    scene,
  ) => {
    const reader = await scene.person('Reader');
    const lines = () => reader.hook('log-record').allInnerTexts();
    const holds = (...words) =>
      until(`the log to hold only ${words}`, async () => {
        const found = await lines();
        return found.length === words.length && words.every((word, i) => found[i].includes(word));
      });
    await write(scene, 'needle one', 'hay', 'needle two');
    await reader.page.goto(`${scene.url}/logs`);
    await until('the hay to be read', async () => (await lines()).some((line) => line.includes('hay')));

    await reader.hook('log-search').pressSequentially('needle');
    await holds('needle one', 'needle two');
    assert.equal(await reader.hook('log-search').evaluate((field) => document.activeElement === field), true);
    assert.equal(new URL(reader.page.url()).searchParams.get('text'), 'needle');
    await reader.page.reload();
    await holds('needle one', 'needle two');
    await write(scene, 'more hay', 'needle three');
    await holds('needle one', 'needle two', 'needle three');

    await reader.page.getByRole('button', { name: 'Remove the filter Message needle' }).click();
    await until('the hay to be read', async () => (await lines()).some((line) => line.includes('more hay')));
    assert.equal(new URL(reader.page.url()).search, '');
  },

  'a paused log stands still and counts what waits, and resuming shows it': async (scene) => {
    const reader = await scene.person('Reader');
    await write(scene, 'before');
    await reader.page.goto(`${scene.url}/logs?service=frontend&text=e`);
    const lines = () => reader.hook('log-record').count();
    await until('the first line', async () => (await lines()) === 1);
    await reader.page.getByText('Live', { exact: true }).waitFor();
    await reader.hook('log-pause').click();
    await write(scene, 'one', 'three');
    await reader.page.getByText('Paused, 2 new records').waitFor();
    assert.equal(await lines(), 1);
    await reader.hook('log-pause').click();
    await until('all three lines', async () => (await lines()) === 3);
  },
});
