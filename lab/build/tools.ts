import { execa } from 'execa';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
  /** Source files that are compiled in place of those of modules; a change of them needs a new tag to be noticed. */
  overlay?: Array<{ module: string; file: string; with: string }>;
}

export const tools: Tool[] = [
  {
    name: 'etcd',
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    // For the fault slow-host. Without the variable LAB_DISK_DELAY it is etcd as it is.
    tags: 'slowdisk1',
    overlay: [
      { module: 'go.etcd.io/etcd/client/pkg/v3', file: 'fileutil/sync_linux.go', with: 'slow-disk/sync_linux.go' },
      { module: 'go.etcd.io/bbolt', file: 'bolt_linux.go', with: 'slow-disk/bolt_linux.go' },
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
  await goBuild({
    directory: moduleDir(lab, tool),
    packages: [tool.package],
    output: program(lab, tool.name),
    ldflags: tool.ldflags?.(pinOf(goMod(lab, tool), tool.package).version),
    tags: tool.tags,
    overlay: await writeOverlay(lab, tool),
    signal,
  });
}

/** Writes the file that `go build -overlay` reads, and returns its name. */
async function writeOverlay(lab: Lab, tool: Tool): Promise<string | undefined> {
  if (!tool.overlay) {
    return undefined;
  }
  const directory = moduleDir(lab, tool);
  const replaced: Record<string, string> = {};
  for (const { module, file, with: ours } of tool.overlay) {
    const { stdout } = await execa('go', ['mod', 'download', '-json', module], { cwd: directory });
    const { Dir } = JSON.parse(stdout) as { Dir: string };
    replaced[path.join(Dir, file)] = path.join(directory, ours);
  }
  const overlay = `${program(lab, tool.name)}.overlay.json`;
  writeFileSync(overlay, JSON.stringify({ Replace: replaced }, null, 2));
  return overlay;
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
