import { defineConfig } from 'eslint/config';
import baseConfig from './.config/eslint.config.mjs';

/** Rules that need types: a promise that nobody waits for hides its error. */
const typed = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/no-floating-promises': [
    'error',
    { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it'], package: 'node:test' }] },
  ],
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
};

const nodeSide = [
  'lab/**/*.ts',
  'scripts/**/*.ts',
  'dashboards/**/*.ts',
  'slo/**/*.ts',
  'bench/**/*.ts',
  'terminal/**/*.ts',
  'tests/**/*.{ts,tsx}',
  'playwright.config.ts',
];

export default defineConfig([
  { ignores: ['node_modules/', 'dist/', '.lab/', 'coverage/', '.config/', 'playwright-report/', 'test-results/'] },
  ...baseConfig,
  {
    files: ['**/*.{js,mjs,ts,tsx}'],
    rules: {
      // The bundle keeps the classic transform: Grafana shares react/jsx-runtime only from 12.2.5.
      'react/react-in-jsx-scope': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: typed,
  },
  {
    files: nodeSide,
    languageOptions: { parserOptions: { project: './tsconfig.node.json' } },
    rules: typed,
  },
  {
    files: [...nodeSide, 'scripts/**/*.mjs'],
    // Terminal programs speak through console.
    rules: { 'no-console': 'off' },
  },
]);
