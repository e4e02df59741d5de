import { execa } from 'execa';
import path from 'node:path';

import { LabFailure, reasonOf } from '../failure.ts';
import type { Lab } from '../lab.ts';
import { newestChange } from './newest.ts';

/** A part of dist/ with the sources it is built from. */
export interface PluginPart {
  name: string;
  output: string;
  sources: string[];
  command: string[];
}

/** The plugin's binary as Grafana names it. */
export function datasourceBinary(lab: Lab): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return path.join(lab.root, 'dist', 'datasource', `gpx_etcdfleet_datasource_${process.platform}_${architecture}`);
}

export const frontEnd = (lab: Lab): PluginPart => ({
  name: 'plugin front end',
  output: path.join(lab.root, 'dist', 'module.js'),
  sources: sourcesIn(lab, 'src', 'dashboards', 'webpack.config.ts', 'package-lock.json'),
  command: ['npm', 'run', 'build'],
});

export const backEnd = (lab: Lab): PluginPart => ({
  name: 'plugin backend',
  output: datasourceBinary(lab),
  sources: sourcesIn(lab, 'pkg', 'api', 'go.mod', 'src/datasource/plugin.json'),
  command: ['npm', 'run', 'build:backend'],
});

export function isStale(part: PluginPart): boolean {
  return newestChange(part.output) < newestChange(...part.sources);
}

export async function buildPart(lab: Lab, part: PluginPart, signal?: AbortSignal): Promise<void> {
  const [command, ...args] = part.command;
  try {
    await execa(command, args, { cwd: lab.root, all: true, cancelSignal: signal });
  } catch (error) {
    signal?.throwIfAborted();
    const output = (error as { all?: string }).all || reasonOf(error);
    throw new LabFailure(
      `Building the ${part.name} failed:`,
      `Run \`${part.command.join(' ')}\` to see all of its output.`,
      output.trimEnd().split('\n').slice(-20).join('\n')
    );
  }
}

function sourcesIn(lab: Lab, ...names: string[]): string[] {
  return names.map((name) => path.join(lab.root, name));
}
