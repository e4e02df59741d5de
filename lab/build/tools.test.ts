import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openLab } from '../lab.ts';
import { labTools, pinOf, tools, toolsNamed, wasBuiltAs } from './tools.ts';

const toolsDir = path.join(openLab({}).root, 'lab', 'tools');

for (const tool of tools) {
  test(`${tool.name} is pinned, with its checksums, and declared as a tool`, () => {
    const goMod = readFileSync(path.join(toolsDir, tool.module, 'go.mod'), 'utf8');
    assert.match(pinOf(goMod, tool.package).version, /^v\d+\.\d+\.\d+/);
    assert.ok(existsSync(path.join(toolsDir, tool.module, 'go.sum')));
  });
}

test('the module of a package is the one with the longest matching prefix', () => {
  const goMod = `
require example.org/a v1.0.0
require (
	example.org/a/b v2.0.0 // indirect
	example.org/a/bc v3.0.0 // indirect
)
replace example.org/a/b/c => example.org/d v4.0.0
`;
  assert.deepEqual(pinOf(goMod, 'example.org/a/b/c'), { module: 'example.org/a/b', version: 'v2.0.0' });
  assert.throws(() => pinOf(goMod, 'example.org/z'), /no module of example.org\/z/);
});

const thanos = toolsNamed(['thanos'])[0];
const pin = { module: 'github.com/thanos-io/thanos', version: 'v0.40.1' };
const buildInfo = (version: string, tags: string) =>
  `thanos: go1.26.5\n\tpath\t${thanos.package}\n\tmod\t${pin.module}\t${version}\th1:x=\n${tags}`;

for (const [what, info, want] of [
  ['the pinned version with its tags', buildInfo('v0.40.1', '\tbuild\t-tags=slicelabels\n'), true],
  ['another version', buildInfo('v0.40.0', '\tbuild\t-tags=slicelabels\n'), false],
  ['a build without the tags', buildInfo('v0.40.1', ''), false],
  ['no Go program', 'not executable', false],
] as const) {
  test(`${what} is ${want ? 'current' : 'rebuilt'}`, () => assert.equal(wasBuiltAs(info, thanos, pin), want));
}

test('the error for an unknown tool lists the known ones', () => {
  assert.throws(() => toolsNamed(['helm']), { message: 'There is no tool helm.', remedy: /etcd, kube-apiserver/ });
});

test('the lab starts tools that exist', () => assert.equal(toolsNamed(labTools).length, labTools.length));
