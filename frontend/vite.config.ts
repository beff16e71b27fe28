import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where a node listens during development; the same paths nginx forwards in production. */
const NODE = process.env['VIDEOROOMS_NODE'] ?? 'http://127.0.0.1:4000';

export default defineConfig({
  plugins: [react()],
  server: {
    port: 3000,
    proxy: {
      '/api': NODE,
      '/debug/api': NODE,
      '/ws': { target: NODE, ws: true },
    },
  },
  build: {
    target: 'es2022',
    // The page's CSP allows neither inline scripts nor data: URLs.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
});
