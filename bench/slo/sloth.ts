// Generates the rules of Sloth with the real program, from a specification per cluster.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { parseAllDocuments, stringify } from 'yaml';
import { goBuild } from '../../lab/build/go.ts';
import type { RuleFile } from '../../slo/generate/rules.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import type { Model } from '../../slo/model/model.ts';
import type { ClusterLabels } from './fleet.ts';
import type { Place } from '../place.ts';
import { plainSlis, type PlainSli } from './plain-slis.ts';

/** Sloth sets no interval: its rules run at Prometheus' default interval. */
export const slothInterval = '1m';

export async function slothRules(
  clusters: ClusterLabels[],
  model: Model,
  place: Place,
  signal: AbortSignal
): Promise<RuleFile> {
  const program = path.join(place.directory, 'bin', 'sloth');
  if (!existsSync(program)) {
    console.log('Building Sloth …');
    const directory = path.join(import.meta.dirname, 'tools', 'sloth');
    await goBuild({ directory, packages: ['github.com/slok/sloth/cmd/sloth'], output: program, signal });
  }
  const [input, output] = ['in', 'out'].map((name) => path.join(place.directory, `sloth-${name}.yaml`));
  mkdirSync(place.directory, { recursive: true });
  writeFileSync(input, clusters.map((cluster) => stringify(specOf(cluster, model))).join('---\n'));
  rmSync(output, { force: true });
  await execa(
    program,
    ['generate', '--input', input, '--out', output, '--default-slo-period', formatDuration(model.window)],
    {
      cancelSignal: signal,
      timeout: 300_000,
    }
  );
  const groups = parseAllDocuments(readFileSync(output, 'utf8')).flatMap(
    (document) => (document.toJS() as RuleFile | null)?.groups ?? []
  );
  return { groups: groups.map((group) => ({ ...group, interval: group.interval ?? slothInterval })) };
}

function specOf(cluster: ClusterLabels, model: Model) {
  return {
    version: 'prometheus/v1',
    service: cluster.cluster,
    labels: { ...cluster },
    slos: plainSlis(cluster, model).map((sli) => ({
      name: sli.name,
      objective: sli.target,
      labels: { objective: sli.objective },
      sli: indicatorOf(sli),
      alerting: { name: `Etcd-${sli.name}`, page_alert: {}, ticket_alert: {} },
    })),
  };
}

function indicatorOf({ indicator }: PlainSli) {
  const rate = (selector: string) => `sum(rate(${selector}[{{.window}}]))`;
  switch (indicator.kind) {
    case 'ratio':
      return { events: { error_query: rate(indicator.bad), total_query: rate(indicator.all) } };
    case 'latency':
      return {
        events: { error_query: `${rate(indicator.all)} - ${rate(indicator.good)}`, total_query: rate(indicator.all) },
      };
    case 'gauge':
      return { raw: { error_ratio_query: `1 - avg(avg_over_time(${indicator.good}[{{.window}}]))` } };
  }
}
