import { createDataFrame, FieldType } from '@grafana/data';
import { readFileSync } from 'fs';
import path from 'path';

import { outcomes } from '../../datasource/kinds/inspections/query';
import { isInspectionsFrame, severity, toRows, troubledRegions } from './rows';

const record = { time: 1000, outcome: 'Passed', message: 'fine', values: { nodeKeyDiff: 0 } };

function frameWith(columns: Record<string, unknown>, custom: object = {}) {
  const required = {
    region: 'gz',
    cluster: 'gz-etcd-default',
    check: 'etcd-node-key-diff',
    outcome: 'Passed',
    state: 'idle',
  };
  return createDataFrame({
    meta: { custom },
    fields: Object.entries({ ...required, ...columns }).map(([name, value]) => ({
      name,
      type: FieldType.other,
      values: [value],
    })),
  });
}

const rowWith = (columns: Record<string, unknown>) => toRows(frameWith(columns), 'fleet')[0];

it('reads the columns of an inspections answer', () => {
  const row = rowWith({ lastRun: 5000, nextRun: null, duration: 0.4, message: 'fine', product: 'tke' });
  expect(row).toMatchObject({
    key: 'fleet/gz/gz-etcd-default/etcd-node-key-diff',
    outcome: 'Passed',
    lastRun: 5000,
    nextRun: undefined,
    duration: 0.4,
    product: 'tke',
    scene: '',
    blocked: '',
  });
});

it('reads why no run can be requested', () => {
  expect(rowWith({ blocked: 'Another platform runs it.' }).blocked).toBe('Another platform runs it.');
});

it.each([
  ['as JSON text', JSON.stringify([record]), [record]],
  ['already parsed', [record], [record]],
  ['without values', [{ time: 1, outcome: 'Passed' }], [{ time: 1, outcome: 'Passed', message: '', values: {} }]],
  [
    'of another writer, without outcome',
    [{ time: 1, message: 'm' }],
    [{ time: 1, outcome: '', message: 'm', values: {} }],
  ],
  ['that is broken', '[{', []],
  ['that is missing', undefined, []],
  ['with elements that are no runs', [null, 'x', 5, record], [record]],
])('reads a history %s', (_, history, expected) => expect(rowWith({ history }).history).toEqual(expected));

it('takes an outcome or a state that it does not know for none', () => {
  expect(rowWith({ outcome: 'Great', state: 'flying' })).toMatchObject({ outcome: '', state: 'idle' });
});

it('recognises an inspections answer by its columns', () => {
  expect(isInspectionsFrame(frameWith({}))).toBe(true);
  expect(isInspectionsFrame(createDataFrame({ fields: [{ name: 'Value', values: [1] }] }))).toBe(false);
  expect(isInspectionsFrame(createDataFrame({ name: 'inspections', fields: [] }))).toBe(true);
  expect(isInspectionsFrame(createDataFrame({ name: 'clusters', fields: [] }))).toBe(false);
});

it('names the regions that are not live', () => {
  const regions = [
    { name: 'gz', state: 'live' },
    { name: 'sh', state: 'stale', since: 60_000, error: 'connection refused' },
    { name: 'bj', state: 'failed', since: '1970-01-01T00:00:05Z' },
  ];
  expect(troubledRegions(frameWith({}, { regions }))).toEqual([
    { name: 'sh', state: 'stale', since: 60_000, error: 'connection refused' },
    { name: 'bj', state: 'failed', since: 5_000, error: '' },
  ]);
  expect(troubledRegions(frameWith({}))).toEqual([]);
  expect(troubledRegions(frameWith({}, { regions: [null, 'gz', 5] }))).toEqual([]);
});

describe('the order of outcomes', () => {
  const file = path.resolve(__dirname, '../../../pkg/datasource/testdata/outcomes.json');

  it('is the backend’s, whose test reads the same file', () =>
    expect(outcomes).toEqual(JSON.parse(readFileSync(file, 'utf8'))));

  it('puts no outcome first and Failed last', () => {
    const ordered = (['', 'NotSupported', 'Passed', 'Warning', 'Error', 'Failed'] as const).map(severity);
    expect(ordered).toEqual([-1, 0, 1, 2, 3, 4]);
  });
});
