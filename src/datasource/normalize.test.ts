import { readdirSync, readFileSync } from 'fs';
import path from 'path';

import { isProblem, normalizeQuery } from './normalize';

// The backend's tests read the same files: a difference between the two sides fails one of them.
const folder = path.resolve(__dirname, '../../pkg/datasource/testdata/queries');
const goldens = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, ...JSON.parse(readFileSync(path.join(folder, name), 'utf8')) }));

describe('normalizeQuery agrees with the golden files', () => {
  it('finds them', () => expect(goldens.length).toBeGreaterThanOrEqual(5));

  it.each(goldens)('$name', ({ input, normalized, error }) => {
    const result = normalizeQuery(input);
    if (error) {
      expect(result).toMatchObject({ field: error.field, message: expect.stringMatching(/\w/) });
    } else {
      expect(result).toEqual(normalized);
    }
  });
});

describe('normalizeQuery', () => {
  it.each([
    ['a text instead of a query', 'up', 'query'],
    ['no kind', { refId: 'A' }, 'kind'],
    ['an unknown dimension', { kind: 'clusters', scope: { zone: ['a'] } }, 'scope.zone'],
    ['a scope that is no list', { kind: 'clusters', scope: { region: 'gz' } }, 'scope.region'],
    ['a limit of zero', { kind: 'inspections', limit: 0 }, 'limit'],
    ['a broken limit', { kind: 'inspections', limit: 1.5 }, 'limit'],
    ['a negative offset', { kind: 'clusters', offset: -1 }, 'offset'],
    ['an unknown outcome', { kind: 'inspections', outcomes: ['Great'] }, 'outcomes'],
    ['an unknown sort', { kind: 'clusters', sort: 'colour' }, 'sort'],
    ['a step that is no duration', { kind: 'promql', expr: 'up', minStep: 'soon' }, 'minStep'],
  ])('refuses %s', (_, query, field) => {
    expect(normalizeQuery(query)).toMatchObject({ field });
  });

  it('keeps what Grafana adds to a query and drops what nobody knows', () => {
    const datasource = { uid: 'fleet' };
    const result = normalizeQuery({ refId: 'A', kind: 'promql', expr: 'up', datasource, hide: true, colour: 'red' });
    expect(isProblem(result)).toBe(false);
    expect(result).toMatchObject({ refId: 'A', datasource, hide: true });
    expect(result).not.toHaveProperty('colour');
  });

  it('accepts a step that is a variable', () => {
    expect(normalizeQuery({ refId: 'A', kind: 'promql', expr: 'up', minStep: '$__interval' })).toMatchObject({
      minStep: '$__interval',
    });
  });
});
