import { FieldType, toDataFrame } from '@grafana/data';

import { toClusters } from './worst';

test('a row without a beginning has none', () => {
  const frame = toDataFrame({
    fields: [
      { name: 'region', type: FieldType.string, values: ['gz', 'sh'] },
      { name: 'cluster', type: FieldType.string, values: ['gz-1', 'sh-1'] },
      { name: 'severity', type: FieldType.string, values: ['Failing', 'Blind'] },
      { name: 'statement', type: FieldType.string, values: ['No quorum.', 'Not scraped.'] },
      { name: 'action', type: FieldType.string, values: ['Start it.', ''] },
      { name: 'since', type: FieldType.time, values: [1000, undefined] },
    ],
  });
  expect(toClusters(frame)).toEqual([
    { region: 'gz', cluster: 'gz-1', severity: 'Failing', statement: 'No quorum.', action: 'Start it.', since: 1000 },
    { region: 'sh', cluster: 'sh-1', severity: 'Blind', statement: 'Not scraped.', action: '', since: null },
  ]);
});

test('a frame without rows has no clusters', () => expect(toClusters(toDataFrame({ fields: [] }))).toEqual([]));
