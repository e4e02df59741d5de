import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fromNow } from './exact-times.ts';
import { dashboards } from './index.ts';

/** The value of a property of a column, as the last override has it. */
const propertyOf = (panel: Panel, column: string, id: string): unknown =>
  panel.fieldConfig?.overrides
    .filter(({ matcher }) => matcher.options === column)
    .flatMap(({ properties }) => properties)
    .findLast((property) => property.id === id)?.value;

test('a column of times since then has the time itself on hover, in a column of its own that is not shown', () => {
  let columns = 0;
  for (const [file, build] of Object.entries(dashboards)) {
    for (const panel of (build().panels ?? []) as Panel[]) {
      const overrides = panel.type === 'table' ? (panel.fieldConfig?.overrides ?? []) : [];
      const names = new Set(overrides.map(({ matcher }) => String(matcher.options)));
      for (const name of [...names].filter((each) => propertyOf(panel, each, 'unit') === fromNow)) {
        columns++;
        const exact = propertyOf(panel, name, 'custom.tooltip.field') as string | undefined;
        const where = `${file}, ${panel.title}, ${name}`;
        assert.ok(exact, where);
        assert.equal(propertyOf(panel, exact, 'unit'), 'dateTimeAsIso', where);
        assert.equal(propertyOf(panel, exact, 'custom.hideFrom.viz'), true, where);
        assert.ok(
          panel.transformations?.some(({ options }) => (options as { alias?: string }).alias === exact),
          where
        );
      }
    }
  }
  assert.ok(columns > 10, 'the tables have such columns');
});
