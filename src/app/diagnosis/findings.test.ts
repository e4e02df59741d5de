import { FieldType, toDataFrame } from '@grafana/data';

import { toFindings } from './findings';

const strings = (name: string, values: string[]) => ({ name, type: FieldType.string, values });

test('a row without a beginning has none, and one without evidence no facts', () => {
  const evidence = [{ text: 'fsync takes 200 ms', expr: 'up' }];
  const frame = toDataFrame({
    fields: [
      strings('region', ['gz', 'sh']),
      strings('cluster', ['gz-1', 'sh-1']),
      strings('severity', ['Failing', 'Blind']),
      strings('statement', ['No quorum.', 'Not scraped.']),
      strings('action', ['Start it.', '']),
      strings('check', ['membership', '']),
      strings('kubernetes', ['tke-1, tke-2', '']),
      { name: 'since', type: FieldType.time, values: [1000, undefined] },
      { name: 'evidence', type: FieldType.other, values: [evidence, undefined] },
    ],
  });
  expect(toFindings(frame)).toMatchObject([
    { region: 'gz', cluster: 'gz-1', since: 1000, check: 'membership', kubernetes: ['tke-1', 'tke-2'], evidence },
    { region: 'sh', cluster: 'sh-1', since: null, check: '', kubernetes: [], action: '', evidence: [] },
  ]);
});

test('a frame without rows has no findings', () => expect(toFindings(toDataFrame({ fields: [] }))).toEqual([]));
