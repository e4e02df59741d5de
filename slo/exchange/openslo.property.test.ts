// Properties of every OpenSLO document, checked with random documents.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { DefinitionError } from '../model/problem.ts';
import { loadDefinitions } from '../model/definitions.ts';
import { propertyRuns } from '../property-runs.ts';
import { exportOpenSlo } from './export.ts';
import { importOpenSlo, type Imported } from './import.ts';
import type { Unmapped } from './openslo.ts';

const { documents } = exportOpenSlo(loadDefinitions());
const some = fc.subarray(documents, { minLength: 1, maxLength: 5 });

/** The import, or undefined when the text is refused as it should be: with a place and a remedy. */
function importedOrRefused(text: string): Imported | undefined {
  try {
    return importOpenSlo(text, 'some.yaml');
  } catch (error) {
    assert.ok(error instanceof DefinitionError, `${String(error)} for ${text}`);
    assert.ok(error.problems.length > 0);
    for (const { line, message } of error.problems) {
      assert.ok(line >= 1 && message.length > 0);
    }
    return undefined;
  }
}

test('any text is imported or refused with a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => void importedOrRefused(text)),
    propertyRuns
  );
});

test('any value is imported or refused with a line', () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (values) => {
      importedOrRefused(values.map((each) => stringify(each)).join('---\n'));
    }),
    propertyRuns
  );
});

/** A document in which one value, at any depth, is another one. */
const mutated = fc
  .tuple(fc.constantFrom(...documents), fc.nat(), fc.jsonValue({ maxDepth: 2 }))
  .map(([document, position, replacement]) => {
    let place = position % countOf(document);
    const replace = (value: unknown): unknown => {
      if (place-- === 0) {
        return replacement;
      }
      if (Array.isArray(value)) {
        return value.map(replace);
      }
      return value && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key, replace(field)]))
        : value;
    };
    return replace(document);
  });

const countOf = (value: unknown): number =>
  1 +
  (value && typeof value === 'object' ? Object.values(value).reduce<number>((sum, each) => sum + countOf(each), 0) : 0);

test('a document with a wrong value is imported or refused with a line', () => {
  fc.assert(
    fc.property(fc.array(mutated, { minLength: 1, maxLength: 3 }), (changed) => {
      importedOrRefused(changed.map((each) => stringify(each, { aliasDuplicateObjects: false })).join('---\n'));
    }),
    propertyRuns
  );
});

test('the order and the form of the documents do not matter', () => {
  fc.assert(
    fc.property(
      some.chain((chosen) => fc.tuple(fc.constant(chosen), fc.shuffledSubarray(chosen, { minLength: chosen.length }))),
      ([chosen, shuffled]) => {
        const asList = importOpenSlo(stringify(chosen), 'some.yaml');
        const asDocuments = importOpenSlo(chosen.map((each) => stringify(each)).join('---\n') + '---\n', 'some.yaml');
        assert.deepEqual(asDocuments, asList);
        const again = importOpenSlo(stringify(shuffled), 'some.yaml');
        assert.deepEqual(sorted(again.unmapped), sorted(asList.unmapped));
        assert.equal(windowOf(again), windowOf(asList));
      }
    ),
    { numRuns: Math.ceil(propertyRuns.numRuns / 5) } // each run reads three texts
  );
});

const sorted = (unmapped: Unmapped[]) => unmapped.map(({ field, why }) => `${field}: ${why}`).sort();
const windowOf = ({ texts }: Imported) => /^window: (.*)$/m.exec(texts['objectives.yaml'])?.[1];
