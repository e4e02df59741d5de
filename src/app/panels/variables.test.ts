import { type DataContextScopedVar, FieldType, toDataFrame } from '@grafana/data';

import { fillIn, type PageVariables, scopedVarsOf } from './variables';

const odd = 'a&b#"1/北$x';
const variables: PageVariables = { datasource: 'ds', region: 'gz', cluster: odd };

const frame = toDataFrame({
  fields: [
    { name: 'region\\objective', type: FieldType.string, values: ['gz', 'sh/北'] },
    { name: 'hostVariables', type: FieldType.string, values: ['var-host=a', 'var-host=b%26&var-host=c'] },
    { name: 'bad', type: FieldType.number, values: [1, 2], labels: { host: 'h 1' } },
  ],
});
const row: DataContextScopedVar = { value: { data: [frame], frame, field: frame.fields[2], rowIndex: 1 } };

test.each([
  [
    '/d/x?${datasource:queryparam}&${cluster:queryparam}',
    `/d/x?var-datasource=ds&var-cluster=${encodeURIComponent(odd)}`,
  ],
  ['/d/x?${__url_time_range}', '/d/x?from=now-1h&to=now'],
  ['${__from} ${__to} ${datasource}', 'now-1h now ds'],
  ['var-region=${__data.fields.region\\objective:percentencode}', 'var-region=sh%2F%E5%8C%97'],
  ['${__data.fields.hostVariables:raw}', 'var-host=b%26&var-host=c'],
  ['${__field.labels.host:percentencode}', 'h%201'],
  ['${__data.fields.gone}', ''],
  ['${nothing:raw}', '${nothing:raw}'],
])('%s becomes %s', (text, filled) => expect(fillIn(text, variables, row)).toBe(filled));

test('a field that the page does not fix stands for everything', () => {
  const values = Object.entries(scopedVarsOf(variables)).map(([name, { value }]: [string, any]) => [name, value]);
  expect(Object.fromEntries(values)).toEqual({ region: 'gz', product: '.*', scene: '.*', spec: '.*', cluster: odd });
});
