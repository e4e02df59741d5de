import path from 'node:path';

import { requireGo } from '../build/go.ts';
import { type PluginPart, backEnd, buildPart, frontEnd, isStale } from '../build/plugin.ts';
import { buildPrograms } from '../build/programs.ts';
import { type Tool, buildTool, missingTools, tools, toolsNamed } from '../build/tools.ts';
import type { Lab } from '../lab.ts';
import { withLock } from '../supervisor/lock.ts';
import { showProgress } from '../../terminal/progress.ts';
import type { Command } from './command.ts';

export const build: Command = {
  name: 'build',
  usage: '[tool…]',
  summary: `builds the pinned tools (${tools.map((tool) => tool.name).join(', ')}) without starting anything`,
  async run(lab, args, signal) {
    await buildAll(lab, { tools: args.length > 0 ? toolsNamed(args) : tools, signal });
  },
};

/** What to build: tools, and for starting the lab also the repository's own programs and the plugin. */
export interface Wanted {
  tools: Tool[];
  programs?: boolean;
  frontEnd?: boolean;
  signal: AbortSignal;
}

/**
 * Builds everything that is missing or older than its sources. Builds run one at a time, because linking takes all the
 * memory of a small machine.
 */
export async function buildAll(lab: Lab, wanted: Wanted): Promise<void> {
  await requireGo(lab.root);
  await withLock(path.join(lab.bin, '.lock'), 'building programs', async () => {
    const steps = await stepsFor(lab, wanted);
    const progress = showProgress({ doing: 'Building', done: 'is built' }, steps.length);
    try {
      for (const { name, run } of steps) {
        progress.begin(name);
        await run();
        progress.done(name);
      }
    } finally {
      progress.end();
    }
  });
}

interface Step {
  name: string;
  run(): Promise<void>;
}

async function stepsFor(lab: Lab, { tools: wantedTools, programs, frontEnd: withFrontEnd, signal }: Wanted) {
  const missing = await missingTools(lab, wantedTools);
  const steps: Step[] = missing.map((tool) => ({ name: tool.name, run: () => buildTool(lab, tool, signal) }));
  if (programs) {
    steps.push({ name: 'cruiser, operator, fleet, traffic', run: () => buildPrograms(lab, signal) });
  }
  const parts: PluginPart[] = [...(withFrontEnd ? [frontEnd(lab)] : []), ...(programs ? [backEnd(lab)] : [])];
  for (const part of parts.filter(isStale)) {
    steps.push({ name: part.name, run: () => buildPart(lab, part, signal) });
  }
  return steps;
}
