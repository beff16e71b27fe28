/** The names that others build on: files, and what they export. They change only together with the documents that promise them. */
import { describe, expect, expectTypeOf, it } from 'vitest';

import { EmbeddedAdapter } from './adapters/sfu/embeddedAdapter.ts';
import type * as factory from './adapters/sfu/index.ts';
import type { SFUAdapter, SFUCallbacks, SFUConfig, SFUParticipant } from './adapters/sfu/types.ts';
import { debugLogger } from './services/debugLogger.ts';

const modules = import.meta.glob<Record<string, unknown>>([
  './adapters/sfu/{embeddedAdapter,index}.ts',
  './hooks/{useRoom,useServiceStatus,useLogs}.ts',
  './services/{api,debugLogger,socket}.ts',
  './components/{VideoTile,ControlBar,DebugPanel}.tsx',
  './pages/{HomePage,RoomPage,LogsPage}.tsx',
]);

/** The first import of a page draws in all that it stands on. */
const LOAD_MS = 60_000;

describe('the names of the page', () => {
  it.each([
    ['adapters/sfu/embeddedAdapter.ts', 'EmbeddedAdapter'],
    ['adapters/sfu/index.ts', 'createSFUAdapter'],
    ['hooks/useRoom.ts', 'useRoom'],
    ['hooks/useServiceStatus.ts', 'useServiceStatus'],
    ['hooks/useLogs.ts', 'useLogs'],
    ['services/api.ts', 'api'],
    ['services/debugLogger.ts', 'debugLogger'],
    ['services/socket.ts', 'getSocket'],
    ['components/VideoTile.tsx', 'VideoTile'],
    ['components/ControlBar.tsx', 'ControlBar'],
    ['components/DebugPanel.tsx', 'DebugPanel'],
    ['pages/HomePage.tsx', 'HomePage'],
    ['pages/RoomPage.tsx', 'RoomPage'],
    ['pages/LogsPage.tsx', 'LogsPage'],
  ])(
    '%s exports %s',
    async (file, name) => {
      const load = modules[`./${file}`];
      expect(load, `${file} exists`).toBeDefined();
      expect((await load?.())?.[name]).toBeDefined();
    },
    LOAD_MS,
  );

  it('an adapter has the calls of the port', () => {
    const calls = [
      'connect',
      'disconnect',
      'setAudioEnabled',
      'setVideoEnabled',
      'getLocalParticipant',
      'getRemoteParticipants',
    ] as const;
    for (const call of calls) expect(EmbeddedAdapter.prototype[call], call).toBeTypeOf('function');
    expectTypeOf<(typeof calls)[number]>().toExtend<keyof SFUAdapter>();
    expectTypeOf<EmbeddedAdapter>().toExtend<SFUAdapter>();
  });

  it('the types of the port are handed on by the factory’s module', () => {
    expectTypeOf<factory.SFUAdapter>().toEqualTypeOf<SFUAdapter>();
    expectTypeOf<factory.SFUConfig>().toEqualTypeOf<SFUConfig>();
    expectTypeOf<factory.SFUCallbacks>().toEqualTypeOf<SFUCallbacks>();
    expectTypeOf<factory.SFUParticipant>().toEqualTypeOf<SFUParticipant>();
  });

  it('the logger speaks at four levels', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(debugLogger[level], level).toBeTypeOf('function');
  });
});
