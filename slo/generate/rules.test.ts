// What holds for the generated rules as text, whatever the definitions say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { dashboardUids, datasourceUid } from '../../src/ids.ts';
import { writeFiles } from '../files.ts';
import { loadDefinitions, type Definitions } from '../model/definitions.ts';
import { parseDuration } from '../model/duration.ts';
import { checkRules, run } from '../promtool.ts';
import { scratchDirectory } from '../scratch.ts';
import { eventGroup } from './events.ts';
import { ruleFiles, ruleTexts } from './files.ts';
import type { AlertingRule, RecordingRule, Rule } from './rules.ts';

const definitions = loadDefinitions();
const root = path.resolve(import.meta.dirname, '../..');
const groups = Object.values(ruleFiles(definitions)).flatMap((file) => file.groups);
const rules = groups.flatMap((group) => group.rules);

// Rules of their own beside the SLIs': what members and cruiser say of a cluster, what is usual for it, and what changes
// seldom at every level, which would cost more in one rule with what changes every step.
test('the whole fleet has at most 185 rules', () => {
  assert.ok(rules.length <= 185, `${rules.length} rules`);
});

test('Prometheus accepts the rules of a region, Thanos all others', async (t) => {
  const directory = scratchDirectory(t);
  writeFiles(directory, ruleTexts(definitions, [], 'test'));
  const files = Object.keys(ruleFiles(definitions)).map((file) => path.join(directory, file));
  const region = await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', files[0]]);
  assert.ok(region.ok, region.output);
  const all = await checkRules(files);
  assert.ok(all.ok, all.output);
  const thanos = await run('thanos', ['tools', 'rules-check', ...files.map((file) => `--rules=${file}`)]);
  assert.ok(thanos.ok, thanos.output);
});

// ------------------------------------------------------------------------- adding something changes nothing else's text

const additions: Record<string, { change: (definitions: Definitions) => void; added: number }> = {
  'a class': {
    change: ({ model }) => void model.classes.push({ ...structuredClone(model.classes[0]), name: 'gigantic' }),
    added: 3, // targets, thresholds, severities
  },
  'an override by product': { change: addOverride({ product: 'new' }), added: 2 },
  'an override by scene': { change: addOverride({ scene: 'new' }), added: 2 },
  'an override by product, scene and class': {
    change: addOverride({ product: 'new', scene: 'new', spec: 'small' }),
    added: 2,
  },
};

for (const [what, { change, added }] of Object.entries(additions)) {
  test(`${what} adds ${added} rules and changes no other rule's text`, () => {
    const changed = structuredClone(definitions);
    change(changed);
    const [before, after] = [ruleLines(definitions), ruleLines(changed)];
    assert.deepEqual(
      before.filter((line) => !after.includes(line)),
      []
    );
    assert.equal(after.filter((line) => !before.includes(line)).length, added);
  });
}

test('another target changes one rule', () => {
  const changed = structuredClone(definitions);
  changed.model.classes[0].targets[definitions.model.objectives[0].name] = 0.987;
  const before = ruleLines(definitions);
  assert.equal(ruleLines(changed).filter((line) => !before.includes(line)).length, 1);
});

function addOverride(where: Definitions['model']['overrides'][number]['where']) {
  return ({ model }: Definitions) => {
    const { targets, thresholds } = model.classes[0];
    model.overrides.push({ where, reason: 'a test', targets, thresholds });
  };
}

const ruleLines = (of: Definitions) =>
  Object.values(ruleFiles(of)).flatMap((file) =>
    file.groups.flatMap((group) => group.rules.map((rule) => JSON.stringify([group.name, rule])))
  );

// ------------------------------------------------------------------------------------------------ costs and freshness

test('what instant queries read is younger than the five minutes that they look back', () => {
  const seldom = groups.filter(({ interval }) => parseDuration(interval) > 240);
  assert.deepEqual(
    seldom.map(({ name }) => name),
    ['etcd-slo-tiles']
  );
  const slowlyRecorded = new Set(seldom.flatMap((group) => group.rules.map((rule) => (rule as RecordingRule).record)));
  for (const { expr } of rules) {
    for (const name of slowlyRecorded) {
      const reads = expr.matchAll(new RegExp(`${name}(?![\\w:])(?:\\{[^}]*\\})?(.)?`, 'g'));
      assert.ok(
        [...reads].every(([, next]) => next === '['),
        `${name} is read without a range in ${expr}`
      );
    }
  }
});

test('the remaining budget follows its events within two minutes, also that of the fleet', () => {
  const { step, scrapeInterval } = definitions.deployment;
  const every = (name: RegExp) => parseDuration(groups.find((group) => name.test(group.name))!.interval);
  // At worst an event is counted a step later, one scrape after its end, and each group has just been evaluated.
  assert.ok(step + scrapeInterval + every(/^etcd-slo-budget/) + every(/^etcd-slo-fleet/) <= 120);
});

test('raw series are read by the groups that count only, each selector once', () => {
  const raw = /\b(?:grpc_server|etcd_disk|etcd_server|etcd_request|etcd_inspection)_\w+(?:\{[^}]*\})?\[/g;
  const reads = groups.flatMap((group) =>
    group.rules.flatMap(({ expr }) => [...expr.matchAll(raw)].map(([selector]) => ({ group: group.name, selector })))
  );
  assert.deepEqual(
    reads.filter(({ group }) => !group.startsWith(eventGroup)),
    []
  );
  assert.ok(reads.length > 0);
  assert.equal(new Set(reads.map(({ selector }) => selector)).size, reads.length);
});

test('no rule chooses clusters by a regular expression', () => {
  for (const { expr } of rules) {
    assert.doesNotMatch(expr, /\b(?:cluster|product|scene|spec|region)\s*[=!]~/);
  }
});

test('every group of recording rules for clusters has a limit', () => {
  const recording = groups.filter(({ name }) => /events|window|tiles|allowance|budget|promises/.test(name));
  assert.ok(recording.length > 0);
  for (const { name, limit } of recording) {
    assert.ok(limit, `${name} has none`);
  }
});

// -------------------------------------------------------------------------------------------------------------- alerts

const alerts = rules.filter((rule): rule is AlertingRule => 'alert' in rule);

test('every alert has a runbook', () => {
  const runbooks = readFileSync(path.join(root, 'docs/runbooks.md'), 'utf8');
  for (const { alert, annotations } of alerts) {
    assert.match(runbooks, new RegExp(`^## ${alert}$`, 'm'));
    assert.ok(annotations.runbook_url.endsWith(`#${alert.toLowerCase()}`));
  }
});

const linkedDashboard = new RegExp(
  `/d/(${dashboardUids.overview}|${dashboardUids.cluster})\\?var-datasource=${datasourceUid}(&|$)`
);

test('every alert can be routed and leads somewhere', () => {
  for (const { alert, labels, annotations, expr } of alerts) {
    assert.ok(labels.severity ?? expr.includes('group_left (severity)'), `${alert} has no severity`);
    assert.match(labels.urgency, /^(page|ticket)$/);
    const ofCluster = annotations.dashboard_url.includes(`/d/${dashboardUids.cluster}`);
    const links = ['dashboard_url', ...(ofCluster ? ['panel_url'] : []), 'runbook_url'];
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', ...links]);
    assert.match(annotations.dashboard_url, linkedDashboard);
    assert.doesNotMatch(annotations.dashboard_url, /[?&](from|to)=/, `${alert} knows no time`);
  }
});

test('an alert of a cluster opens a panel that the dashboard of clusters has', () => {
  const { panels, templating } = JSON.parse(readFileSync(path.join(root, 'dashboards/tier3-cluster.json'), 'utf8')) as {
    panels: Array<{ id: number; title: string }>;
    templating: { list: Array<{ name: string }> };
  };
  const variables = templating.list.map(({ name }) => name);
  const ofClusters = alerts.filter(({ annotations }) =>
    annotations.dashboard_url.includes(`/d/${dashboardUids.cluster}`)
  );
  assert.ok(ofClusters.length > 0);
  for (const { alert, annotations } of ofClusters) {
    assert.doesNotMatch(annotations.dashboard_url, /viewPanel/, `${alert} hides the diagnosis`);
    assert.ok(annotations.panel_url.startsWith(`${annotations.dashboard_url}&viewPanel=`));
    const ids = [...annotations.panel_url.matchAll(/panel-(\d+)/g)].map(([, id]) => Number(id));
    assert.ok(ids.length > 0, `${alert} opens no panel`);
    for (const id of ids) {
      assert.ok(
        panels.some((panel) => panel.id === id),
        `${alert}: there is no panel ${id}`
      );
    }
    const set = [...annotations.dashboard_url.matchAll(/[?&]var-(\w+)=/g)].map(([, name]) => name);
    assert.deepEqual(set.sort(), variables.sort(), alert);
  }
});

test('the alert of a burn rate says what is wrong for every SLI, and is the same whichever is the worst', () => {
  for (const { alert, labels, annotations } of alerts.filter(({ alert }) => alert.startsWith('EtcdErrorBudgetBurn'))) {
    for (const { name, symptom } of definitions.model.slis) {
      assert.ok(
        annotations.summary.includes(`eq $labels.sli "${name}" }}${symptom}{{`),
        `${alert} has no words for ${name}`
      );
    }
    assert.equal(labels.sli, '');
  }
});

test('every inspection that an SLI counts is one of the checks', () => {
  const checks = readFileSync(path.join(root, 'docs/inspections.md'), 'utf8');
  for (const check of definitions.model.slis.flatMap((sli) => (sli.kind === 'state' ? (sli.checks ?? []) : []))) {
    assert.match(checks, new RegExp(`^\\| \`${check}\` `, 'm'));
  }
});

test('what watches the rules watches every group', () => {
  const failing = alerts.find(({ alert }) => alert === 'EtcdSLORulesFailing')!;
  const [, pattern] = /rule_group=~"([^"]+)"/.exec(failing.expr)!;
  for (const { name } of groups) {
    assert.match(`/etc/etcd-fleet/rules/recording/region.yaml;${name}`, new RegExp(`^(?:${pattern})$`));
  }
});

test('an alert about regions does not wait for the regions that are missing', () => {
  const [page] = ruleFiles(definitions)['alerts/slo.yaml'].groups;
  assert.equal(page.partial_response_strategy, 'warn');
});

test('a rule name says its level, metric and operation', () => {
  for (const rule of rules.filter((candidate: Rule): candidate is RecordingRule => 'record' in candidate)) {
    assert.match(rule.record, /^(?:(?:cluster|spec|scene|product|region|fleet):)?etcd_[a-z_]+:[a-z0-9_]+$/);
  }
});
