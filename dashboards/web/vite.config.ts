import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// In development the page comes from Vite, and the API from a program that runs already: KASKAD=http://127.0.0.1:8080.
const api = process.env['KASKAD'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  // Ariakit is written for React; Preact takes its place.
  resolve: {
    alias: {
      'react/jsx-runtime': 'preact/jsx-runtime',
      'react-dom': 'preact/compat',
      react: fileURLToPath(new URL('src/react.js', import.meta.url)),
    },
  },
  build: {
    outDir: 'embedded/dist',
    emptyOutDir: true,
    // The policy of the server lets in files alone: nothing is inlined as data.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    manifest: 'manifest.json',
    // Ariakit marks its files for servers that draw React; here they are all for the browser.
    rolldownOptions: { onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : warn(warning) },
  },
  server: { proxy: { '/v1': { target: api }, '/openapi.json': { target: api } } },
})
