// Proposed changes touch their values only, and the diff is one that git applies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { writeFiles } from '../files.ts';
import { readDefinitions } from '../model/definitions.ts';
import { parseDefinitions } from '../model/parse.ts';
import { scratchDirectory } from '../scratch.ts';
import { unifiedDiff } from './diff.ts';
import { changeField, changeFile, thresholdSites } from './edit.ts';

const texts = readDefinitions();

test('a changed threshold is the only change, comments stay', () => {
  const [{ path: field, threshold }] = thresholdSites(texts, 'put-latency');
  const changed = changeFile(texts, 'classes.yaml', [{ path: field, value: '50ms' }]);
  assert.notEqual(threshold, 0.05);
  assert.equal(parseDefinitions(changed).model.classes[0].thresholds['put-latency'], 0.05);
  const differing = texts['classes.yaml']
    .split('\n')
    .filter((line, at) => line !== changed['classes.yaml'].split('\n')[at]);
  assert.deepEqual(differing, ['      put-latency: 500ms']);
});

test('every class and override that says a threshold is a place to change it', () => {
  const { classes, overrides } = parseDefinitions(texts).model;
  const saying = [...classes, ...overrides].filter(({ thresholds }) => 'put-latency' in thresholds).length;
  assert.equal(thresholdSites(texts, 'put-latency').length, saying);
});

test('a field that is not there is no place for a value', () => {
  assert.throws(() => changeField('a: 1\n', ['b'], 2), /no value at b/);
});

test('git applies the diff, of near and of far changes', (t) => {
  const directory = scratchDirectory(t);
  const lines = Array.from({ length: 60 }, (_, index) => `line: ${index}`);
  const before = `${lines.join('\n')}\n`;
  const after = `${lines.map((line, index) => ([0, 5, 6, 40, 59].includes(index) ? `${line} changed` : line)).join('\n')}\n`;
  writeFiles(directory, { 'a.yaml': before });
  const diff = unifiedDiff('a.yaml', before, after);
  execFileSync('git', ['apply', '-'], {
    cwd: directory,
    input: diff,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(directory) },
  });
  assert.equal(readFileSync(path.join(directory, 'a.yaml'), 'utf8'), after);
  assert.equal(diff.match(/^@@/gm)!.length, 3);
});

test('equal texts have no diff', () => assert.equal(unifiedDiff('a', 'x\n', 'x\n'), ''));
