import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { rewound } from './rewound.ts';

test('a group looks back further by the given time, and is evaluated within a run', () => {
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
