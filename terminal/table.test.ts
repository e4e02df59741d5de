import assert from 'node:assert/strict';
import { test } from 'node:test';

import { table } from './table.ts';

test('columns are as wide as their widest cell', () => {
  assert.equal(
    table(
      ['NAME', 'PORT'],
      [
        ['grafana', '1'],
        ['x', '23000'],
      ]
    ),
    'NAME     PORT\ngrafana  1\nx        23000'
  );
});

test('a table without rows is its headings', () => assert.equal(table(['A', 'B'], []), 'A  B'));
