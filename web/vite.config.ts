import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Development only: where the daemon (or dev/mock.mjs) listens, and the token that the proxy shows it.
const daemon = process.env.WINDLASS_URL ?? 'http://127.0.0.1:3001';
const token = process.env.WINDLASS_TOKEN;

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2023',
    // Browsers that know light-dark().
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    manifest: true,
    // A data: script or style would not pass the daemon's content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': { target: daemon, changeOrigin: true, headers: token ? { authorization: `Bearer ${token}` } : {} } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
