import { readdirSync, readFileSync } from 'fs';
import path from 'path';

import { kindNamed, queryKinds } from './kinds';
import { isProblem, normalizeQuery } from './queries';

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

describe('the table of kinds', () => {
  const named = (pattern: RegExp) => goldens.flatMap(({ name }) => pattern.exec(name)?.[1] ?? []);

  it('has those whose defaults are among the golden files', () => {
    expect([...queryKinds].sort()).toEqual(named(/^(.+)-defaults\.json$/).sort());
  });

  it.each(queryKinds)('has %s under its own name', (name) => expect(kindNamed(name).defaults.kind).toBe(name));
});

describe('normalizeQuery', () => {
  it.each([
    ['a text instead of a query', 'up', 'query'],
    ['no kind', { refId: 'A' }, 'kind'],
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
});
