// Properties of every incident list, checked with random lists.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { propertyRuns } from '../property-runs.ts';
import { IncidentError, parseIncidents, type Incident } from './incidents.ts';

const now = Date.parse('2026-08-01T00:00:00Z') / 1000;
const files = fc.constantFrom('list.yaml', 'list.csv', 'list.json', 'list');

/** The incidents, or undefined when the list is refused as it should be: with a place and a remedy. */
function readOrRefused(text: string, file: string): Incident[] | undefined {
  try {
    const incidents = parseIncidents(text, file, { now });
    for (const { start, end } of incidents) {
      assert.ok(Number.isFinite(start) && end >= start);
    }
    return incidents;
  } catch (error) {
    assert.ok(error instanceof IncidentError, `${String(error)} for ${text}`);
    assert.match(error.message, /^list[.\w]*:\d+/);
    return undefined;
  }
}

test('any text is read or refused with a line', () => {
  const line = fc.array(fc.constantFrom('start', 'end', ',', ';', '"', '2026-07-01T10:00:00Z', 'gz', '\n', '\r', ' '));
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    line.map((parts) => `start,end${parts.join('')}`)
  );
  fc.assert(
    fc.property(text, files, (given, file) => void readOrRefused(given, file)),
    propertyRuns
  );
});

test('any JSON is read or refused with a line', () => {
  const odd = fc.jsonValue({ maxDepth: 3 });
  const alert = fc.record(
    { startsAt: odd, endsAt: odd, labels: odd, annotations: odd },
    { requiredKeys: ['startsAt'] }
  );
  const event = fc.record({
    kind: fc.constant('Event'),
    type: fc.constant('Warning'),
    involvedObject: odd,
    related: odd,
    firstTimestamp: odd,
  });
  const value = fc.oneof(
    odd,
    fc.array(alert),
    fc.record({ kind: fc.constant('List'), items: fc.array(event) }),
    fc.array(fc.record({ start: odd, end: odd, scope: odd }, { requiredKeys: [] }))
  );
  fc.assert(
    fc.property(value, (given) => void readOrRefused(JSON.stringify(given), 'list.json')),
    propertyRuns
  );
});

const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);
const incident = fc
  .record({
    start: fc.integer({ min: 1_700_000_000, max: now - 1 }),
    length: fc.integer({ min: 0, max: 86_400 }),
    scope: fc.record({ region: label, cluster: label }, { requiredKeys: [] }),
    severity: fc.constantFrom('page', 'ticket'),
    note: fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll(/[\s\p{C}]+/gu, ' ').trim()),
  })
  .map(({ start, length, ...rest }) => ({ start, end: start + length, ...rest }));

test('what is written in one format is read as in the others', () => {
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(
      fc.array(incident, { minLength: 1, maxLength: 5 }),
      fc.constantFrom('', '\uFEFF'),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom(',', ';'),
      (wanted, mark, newline, delimiter) => {
        const list = wanted.map((each) => ({ ...each, start: iso(each.start), end: iso(each.end) }));
        const rows = list.map(({ start, end, scope, severity, note }) =>
          [start, end, scope.region ?? '', scope.cluster ?? '', severity, quoted(note)].join(delimiter)
        );
        const heading = ['start', 'end', 'region', 'cluster', 'severity', 'note'].join(delimiter);
        const texts = {
          'list.json': mark + JSON.stringify(list),
          'list.yaml': mark + stringify(list),
          'list.csv': mark + [heading, ...rows, ''].join(newline),
        };
        for (const [file, text] of Object.entries(texts)) {
          const found = parseIncidents(text, file, { now });
          const expected = wanted.map(({ scope, ...rest }) => ({
            ...rest,
            scope: Object.fromEntries(Object.entries(scope).map(([name, value]) => [name, [value]])),
          }));
          assert.deepEqual(
            found.map(({ start, end, scope, severity, note }) => ({ start, end, severity, note, scope })),
            expected.map(({ start, end, scope, severity, note }) => ({ start, end, severity, note, scope })),
            file
          );
        }
      }
    ),
    propertyRuns
  );
});
