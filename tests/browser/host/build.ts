import { build } from 'esbuild';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');
const fromGrafanaUi = createRequire(path.join(root, 'node_modules/@grafana/ui/package.json'));

/** Bundles the host page's script from the real packages, and returns it. */
export async function buildHost(): Promise<string> {
  const result = await build({
    entryPoints: [path.join(import.meta.dirname, 'host.tsx')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    jsx: 'transform',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"development"', global: 'globalThis' },
    loader: { '.svg': 'text', '.css': 'empty', '.ttf': 'empty' },
    // What Grafana shares as react-router comes from the copy that its component library uses.
    alias: {
      'react-router-dom-v5-compat': path.dirname(fromGrafanaUi.resolve('react-router-dom-v5-compat/package.json')),
    },
  });
  return result.outputFiles[0].text;
}
