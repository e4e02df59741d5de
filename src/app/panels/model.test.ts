import tier1 from '../../../dashboards/tier1-overview.json';
import * as ofCluster from '../cluster/panels';
import * as ofFleet from '../fleet/panels';
import { panelOf, withLink } from './model';

const shown = [...Object.values(ofCluster), ofFleet.answers, ofFleet.worstNow, ofFleet.regions].flat();

test('every panel of a page asks the datasource', () => {
  expect(shown.length).toBe(12);
  expect(shown.filter(({ targets }) => targets.length === 0)).toEqual([]);
});

test('a title that the dashboard does not have is refused', () =>
  expect(() => panelOf(tier1, 'Gone')).toThrow('"etcd fleet: regions" has no panel "Gone"'));

test('a link replaces the one of the dashboard, and leaves the dashboard’s panel alone', () => {
  const link = { title: 'Open', url: '/a/x' };
  const before = JSON.stringify(ofFleet.worstNow);
  const overrides = withLink(ofFleet.worstNow, 'cluster', link).fieldConfig?.overrides ?? [];
  expect(overrides[overrides.length - 1]).toEqual({
    matcher: { id: 'byName', options: 'cluster' },
    properties: [{ id: 'links', value: [link] }],
  });
  expect(JSON.stringify(ofFleet.worstNow)).toBe(before);
});
