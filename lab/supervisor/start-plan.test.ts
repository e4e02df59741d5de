import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startPlan } from './start-plan.ts';

const nodes = [
  { name: 'store', needs: [] },
  { name: 'api', needs: ['store'] },
  { name: 'objects', needs: ['api'] },
  { name: 'cruiser', needs: ['objects'] },
  { name: 'traffic', needs: [] },
];

for (const { name, running, held, want } of [
  {
    name: 'everything is started at first',
    running: [],
    held: [],
    want: ['store', 'api after store', 'objects after api', 'cruiser after objects', 'traffic'],
  },
  {
    name: 'running nodes are not waited for',
    running: ['store', 'api'],
    held: [],
    want: ['objects', 'cruiser after objects', 'traffic'],
  },
  {
    name: 'nodes that a fault holds stay down, with all that need them',
    running: ['store'],
    held: ['api'],
    want: ['traffic'],
  },
]) {
  test(name, () => {
    const plan = startPlan(nodes, { running: new Set(running), held: new Set(held) });
    const described = plan.map((node) => [node.name, ...node.needs.map((need) => `after ${need}`)].join(' '));
    assert.deepEqual(described, want);
  });
}
