import { expect, test } from 'vitest';

import { CHAT_LIMIT, ChatLog } from './chatLog.ts';

const ME = { participantId: 'me', name: 'Me' };

function log() {
  const sent: string[] = [];
  const chat = new ChatLog(
    (_id, text) => {
      sent.push(text);
      return Promise.resolve();
    },
    () => undefined,
  );
  return { chat, sent };
}

test('a message that is too long is cut between characters, never within one', () => {
  const { chat, sent } = log();
  chat.send('👋'.repeat(CHAT_LIMIT + 1));
  expect([...(sent[0] ?? '')]).toHaveLength(CHAT_LIMIT);
  expect(sent[0]?.endsWith('👋')).toBe(true);
});

test('a message that did not change is the same object each time', () => {
  const { chat } = log();
  const committed = [{ id: '1', from: 'you', name: 'You', text: 'hello', at: 1 }];
  const [first] = chat.merged(committed, ME);
  expect(first).toMatchObject({ text: 'hello', status: 'sent' });
  expect(chat.merged([...committed, { ...committed[0]!, id: '2' }], ME)[0]).toBe(first);
});

test('an own message stands once, on its way and when it is there', () => {
  const { chat } = log();
  chat.send('hello');
  const [draft] = chat.merged([], ME);
  expect(draft).toMatchObject({ from: 'me', name: 'Me', text: 'hello', status: 'sending' });
  const committed = [{ id: draft?.id ?? '', from: 'me', name: 'Me', text: 'hello', at: 1 }];
  expect(chat.merged(committed, ME)).toMatchObject([{ text: 'hello', status: 'sent' }]);
});
