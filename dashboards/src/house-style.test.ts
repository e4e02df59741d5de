import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dashboards } from './index.ts';
import { nearlyAllOrNothing } from './panels.ts';

const tables = Object.entries(dashboards).flatMap(([file, build]) =>
  ((build().panels ?? []) as Panel[]).filter(({ type }) => type === 'table').map((panel) => ({ file, panel }))
);

test('no share in a table reads 100 % when it is only nearly all, or 0 % when it is only nearly nothing', () => {
  let shares = 0;
  for (const { file, panel } of tables) {
    for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
      const of = (name: string): unknown => properties.findLast(({ id }) => id === name)?.value;
      if (of('unit') === 'percentunit') {
        shares++;
        const [, ...texts] = (of('mappings') ?? []) as unknown[];
        assert.deepEqual(
          texts,
          nearlyAllOrNothing(Number(of('decimals'))),
          `${file}, ${panel.title}, ${matcher.options}`
        );
      }
    }
  }
  assert.ok(shares > 5, 'the tables have shares');
});
