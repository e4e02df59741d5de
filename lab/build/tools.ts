import { execa } from 'execa';
import { glob } from 'glob';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { LabFailure } from '../failure.ts';
import { type Lab, program } from '../lab.ts';
import { goBuild } from './go.ts';

/** A third-party program, pinned by the go.mod in lab/tools/<module>. */
export interface Tool {
  name: string;
  /** The folder in lab/tools. */
  module: string;
  package: string;
  ldflags?: (version: string) => string;
  tags?: string;
  /** Files that are compiled in place of those of modules; a change of them needs a new tag to be noticed. */
  ownFiles?: Array<{ module: string; file: string; ours: string }>;
}

export const tools: Tool[] = [
  {
    name: 'etcd',
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    // For the fault slow-host. Without the variable LAB_DISK_DELAY it is etcd as it is.
    tags: 'slowdisk1',
    ownFiles: [
      { module: 'go.etcd.io/etcd/client/pkg/v3', file: 'fileutil/sync_linux.go', ours: 'slow-disk/sync_linux.go' },
      { module: 'go.etcd.io/bbolt', file: 'bolt_linux.go', ours: 'slow-disk/bolt_linux.go' },
    ],
  },
  {
    name: 'kube-apiserver',
    module: 'kube-apiserver',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    // Without a version it cannot determine its feature gates, and does not start.
    ldflags: (version) => `-X k8s.io/component-base/version.gitVersion=${version}`,
  },
  { name: 'prometheus', module: 'prometheus', package: 'github.com/prometheus/prometheus/cmd/prometheus' },
  { name: 'promtool', module: 'prometheus', package: 'github.com/prometheus/prometheus/cmd/promtool' },
  {
    name: 'thanos',
    module: 'thanos',
    package: 'github.com/thanos-io/thanos/cmd/thanos',
    // Thanos casts its labels to Prometheus' with unsafe, which is valid for this representation only.
    tags: 'slicelabels',
  },
  {
    name: 'alertmanager',
    module: 'alertmanager',
    package: 'github.com/prometheus/alertmanager/cmd/alertmanager',
  },
  { name: 'amtool', module: 'alertmanager', package: 'github.com/prometheus/alertmanager/cmd/amtool' },
  {
    name: 'golangci-lint',
    module: 'golangci-lint',
    package: 'github.com/golangci/golangci-lint/v2/cmd/golangci-lint',
  },
  // Other etcd versions that inspections are tested against (internal/labbin).
  { name: 'etcd-3.5', module: 'etcd-3.5', package: 'go.etcd.io/etcd/server/v3' },
  { name: 'etcd-3.7', module: 'etcd-3.7', package: 'go.etcd.io/etcd/server/v3' },
];

/** The tools that the lab starts. The others are for tests and lint. */
export const labTools = ['etcd', 'kube-apiserver', 'prometheus', 'promtool', 'thanos', 'alertmanager'];

export function toolsNamed(names: string[]): Tool[] {
  return names.map((name) => {
    const tool = tools.find((candidate) => candidate.name === name);
    if (!tool) {
      throw new LabFailure(
        `There is no tool ${name}.`,
        `Use one of: ${tools.map((candidate) => candidate.name).join(', ')}.`
      );
    }
    return tool;
  });
}

/** Returns the tools whose program is missing or was not built from the pinned version. */
export async function missingTools(lab: Lab, wanted: Tool[]): Promise<Tool[]> {
  const current = await Promise.all(wanted.map((tool) => isCurrent(lab, tool)));
  return wanted.filter((_, index) => !current[index]);
}

export async function buildTool(lab: Lab, tool: Tool, signal?: AbortSignal): Promise<void> {
  const modfile = await copyModules(lab, tool);
  await goBuild({
    directory: moduleDir(lab, tool),
    packages: [tool.package],
    output: program(lab, tool.name),
    ldflags: tool.ldflags?.(pinOf(goMod(lab, tool), tool.package).version),
    tags: tool.tags,
    modfile,
    signal,
  });
  if (modfile) {
    await rm(path.dirname(modfile), { recursive: true });
  }
}

/** Copies the modules that have files of ours, and returns the go.mod that uses the copies. */
async function copyModules(lab: Lab, tool: Tool): Promise<string | undefined> {
  if (!tool.ownFiles) {
    return undefined;
  }
  const [source, copies] = [moduleDir(lab, tool), `${program(lab, tool.name)}.modules`];
  await rm(copies, { recursive: true, force: true });
  const replaced: string[] = [];
  for (const { module, file, ours } of tool.ownFiles) {
    const { stdout } = await execa('go', ['mod', 'download', '-json', module], { cwd: source });
    const { Dir } = JSON.parse(stdout) as { Dir: string };
    const copy = path.join(copies, module);
    for (const name of await glob('**', { cwd: Dir, nodir: true })) {
      await mkdir(path.dirname(path.join(copy, name)), { recursive: true });
      await copyFile(name === file ? path.join(source, ours) : path.join(Dir, name), path.join(copy, name));
    }
    replaced.push(`replace ${module} => ${copy}`);
  }
  const modfile = path.join(copies, 'go.mod');
  await writeFile(modfile, `${goMod(lab, tool)}\n${replaced.join('\n')}\n`);
  await copyFile(path.join(source, 'go.sum'), path.join(copies, 'go.sum'));
  return modfile;
}

async function isCurrent(lab: Lab, tool: Tool): Promise<boolean> {
  const file = program(lab, tool.name);
  if (!existsSync(file)) {
    return false;
  }
  const { stdout } = await execa('go', ['version', '-m', file], { reject: false });
  return wasBuiltAs(stdout, tool, pinOf(goMod(lab, tool), tool.package));
}

/** Whether the output of `go version -m` shows the tool in the pinned version with the wanted tags. */
export function wasBuiltAs(buildInfo: string, tool: Tool, pin: { module: string; version: string }): boolean {
  const tags = /^\tbuild\t-tags=(.*)$/m.exec(buildInfo)?.[1];
  return buildInfo.includes(`\tpath\t${tool.package}\n\tmod\t${pin.module}\t${pin.version}\t`) && tags === tool.tags;
}

/** Returns the module of a package, with the version that a go.mod requires. */
export function pinOf(goModText: string, packagePath: string): { module: string; version: string } {
  const required = [...goModText.matchAll(/^\s*(?:require )?(\S+) (v\S+)/gm)].map(([, module, version]) => ({
    module,
    version,
  }));
  const owners = required.filter(({ module }) => `${packagePath}/`.startsWith(`${module}/`));
  const owner = owners.sort((a, b) => b.module.length - a.module.length)[0];
  if (!owner) {
    throw new Error(`no module of ${packagePath} in go.mod`);
  }
  return owner;
}

const moduleDir = (lab: Lab, tool: Tool) => path.join(lab.root, 'lab', 'tools', tool.module);
const goMod = (lab: Lab, tool: Tool) => readFileSync(path.join(moduleDir(lab, tool), 'go.mod'), 'utf8');
