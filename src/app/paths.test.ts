import { clusterAddress, clusterQuery, exploreAddress, hostsAddress, timeOf } from './paths';

const odd = 'a&b#"1/北';

test('names of any kind survive the address of a cluster', () => {
  const query = new URL(clusterAddress('ds', { region: 'sh/北', cluster: odd }), 'http://grafana').searchParams;
  expect(Object.fromEntries(query)).toEqual({ datasource: 'ds', region: 'sh/北', cluster: odd });
});

test('what is not chosen is not in the address', () =>
  expect(clusterQuery('ds', { region: '' })).toBe('datasource=ds'));

test('the hosts of a finding are values of one variable', () => {
  const query = new URL(hostsAddress('ds', 'gz', 'var-host=a%26&var-host=b'), 'http://grafana').searchParams;
  expect(query.getAll('var-host')).toEqual(['a&', 'b']);
  expect(query.get('var-region')).toBe('gz');
});

test('an expression reaches Explore unchanged', () => {
  const panes = new URL(exploreAddress('ds', `up{cluster="${odd}"}`), 'http://grafana').searchParams.get('panes') ?? '';
  expect(JSON.parse(panes)).toMatchObject({
    a: { datasource: 'ds', queries: [{ kind: 'promql', expr: `up{cluster="${odd}"}` }] },
  });
});

test('the time of an address is kept, and nothing else of it', () => {
  expect(timeOf('?region=gz&from=now-1h&to=now')).toBe('&from=now-1h&to=now');
  expect(timeOf('?region=gz')).toBe('');
});
