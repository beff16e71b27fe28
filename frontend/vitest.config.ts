import { defineConfig, mergeConfig } from 'vitest/config';

import vite from './vite.config.ts';

export default mergeConfig(
  vite,
  defineConfig({
    test: {
      environment: 'jsdom',
      setupFiles: ['./src/test/setup.ts'],
      include: ['src/**/*.test.{ts,tsx}'],
      restoreMocks: true,
      unstubGlobals: true,
      // A wait, no measurement: a loaded machine needs seconds for what is done in milliseconds.
      testTimeout: 30_000,
      hookTimeout: 30_000,
    },
  }),
);
