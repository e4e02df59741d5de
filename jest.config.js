// One time zone everywhere, so that formatted times are the same on every machine.
process.env.TZ = 'UTC';

const scaffold = require('./.config/jest.config');

module.exports = {
  // Jest configuration provided by Grafana scaffolding
  ...scaffold,
  // Elsewhere lie the lab's data, and etcd's *.snap files would be taken for snapshots of tests.
  roots: ['<rootDir>/src'],
  // d3-color's modules end in .mjs, which the scaffold's pattern leaves as they are.
  transform: {
    ...scaffold.transform,
    '^.+\\.mjs$': Object.values(scaffold.transform)[0],
    '^.+\\.yaml$': '<rootDir>/src/app/workbench/textTransform.js',
  },
  // Its build for browsers is made of modules that jest does not read.
  moduleNameMapper: { ...scaffold.moduleNameMapper, '^yaml$': require.resolve('yaml') },
};
