import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ruleFiles } from '../../slo/generate/files.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { atMost, rewound } from './rewound.ts';

test('a group looks back further by the given time, and is evaluated at least once per run', () => {
  const rules = [{ record: 'a', expr: 'b' }];
  const text = rewound(
    {
      groups: [
        { name: 'late', interval: '30m', query_offset: '2m', partial_response_strategy: 'warn', rules },
        { name: 'plain', interval: '1m', rules },
      ],
    },
    1000
  );
  assert.deepEqual(parse(text), {
    groups: [
      { name: 'late', interval: '4m', query_offset: '1120s', rules },
      { name: 'plain', interval: '1m', query_offset: '1000s', rules },
    ],
  });
});

test('a warm-up evaluates all groups often', () => {
  const rules = [{ record: 'a', expr: 'b' }];
  const text = rewound({ groups: [{ name: 'plain', interval: '1m', rules }] }, 0, atMost(30));
  assert.deepEqual(parse(text), { groups: [{ name: 'plain', interval: '30s', query_offset: '0s', rules }] });
});

test('the rules have no absolute times, so that query_offset shifts all of their times', () => {
  for (const file of Object.values(ruleFiles(loadDefinitions()))) {
    const { groups } = parse(rewound(file, 1000)) as typeof file;
    groups.forEach((group, index) => assert.deepEqual(group.rules, file.groups[index].rules));
    for (const { expr } of groups.flatMap(({ rules }) => rules)) {
      assert.doesNotMatch(expr, /@\s*[\d.]/);
    }
  }
});
