// What may import what. `npm run lint` holds it, for imports of types too.

/**
 * The folders at the top, and what each may import of the others besides itself and packages. Nothing else may be
 * imported, so that nobody drags a lab into the browser or an interface into the rules.
 */
const allowed = {
  terminal: [],
  // A page draws panels of the generated dashboards, so that both ask the same.
  src: ['slo', 'dashboards/[a-z0-9]+-[a-z-]+'],
  slo: ['terminal', 'src/ids'],
  dashboards: ['slo', 'src'],
  lab: ['slo', 'terminal', 'src/ids'],
  bench: ['slo', 'lab', 'terminal'],
  tests: ['src/ids'],
  scripts: ['slo', 'lab', 'dashboards', 'terminal'],
};

const startsWith = (names) => `^(${names.join('|')})[./]`;

const directions = Object.entries(allowed).map(([folder, others]) => ({
  name: `${folder}-imports`,
  comment: `${folder}/ may import of our folders only: ${[folder, ...others].join(', ')}.`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: startsWith(Object.keys(allowed)), pathNot: startsWith([folder, ...others]) },
}));

export default {
  forbidden: [
    ...directions,
    {
      name: 'no-parser-in-the-browser',
      comment: 'The parser of PromQL is for programs: the workbench works without it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^slo/promql/', reachable: true },
    },
    {
      name: 'no-circles',
      comment: 'Move what both need to a file of its own.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    includeOnly: startsWith(Object.keys(allowed)),
    exclude: '^(node_modules|dist|[.])', // are large and need not be walked
    tsPreCompilationDeps: true, // else imports of types are not seen
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
