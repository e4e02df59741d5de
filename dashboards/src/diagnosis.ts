// The diagnosis as the dashboards show it: a table of findings whose first row answers, in words.
import type { Scope } from '../../src/datasource/scope.ts';
import { evidenceToExplore, findingToHosts, rowToCluster, rowToScene } from './links.ts';
import { ago, column, colouredWords, linked, showColumns, table, wrappedText } from './panels.ts';
import { diagnosis } from './queries.ts';

/** What is not known is neither good nor bad. */
export const severityColours = {
  Failing: 'red',
  Degraded: 'orange',
  Unexplained: 'orange',
  Blind: 'text',
  AtRisk: 'yellow',
  Quiet: 'green',
};

const columns = [
  ...['severity', 'region', 'cluster', 'statement', 'since', 'action', 'suspect', 'member', 'host', 'kubernetes'],
  ...['check', 'product', 'scene', 'spec', 'rank', 'evidence', 'hostVariables'],
];

type Column = 'region' | 'cluster' | 'statement' | 'since' | 'action' | 'host' | 'kubernetes' | 'product' | 'scene';

/** What links read. */
const read = ['region', 'cluster', 'product', 'scene', 'hostVariables'];

/** A table of findings with the severity and these columns; statements and actions wrap, and hosts lead to their neighbours. */
export function diagnosisTable(
  title: string,
  description: string,
  shown: Column[],
  empty = 'No cluster of this scope is known to be hurt.'
) {
  const panel = table(title, description, empty)
    .overrideByName('severity', [...column('severity', 100), ...colouredWords(severityColours)])
    .overrideByName('region', column('region', 60))
    .overrideByName('cluster', column('cluster', 150))
    .overrideByName('statement', [...wrappedText, { id: 'custom.minWidth', value: 230 }])
    .overrideByName('since', ago('since', 140))
    .overrideByName('action', [
      { id: 'displayName', value: 'next' },
      { id: 'custom.width', value: 225 },
      ...wrappedText,
    ])
    .overrideByName('host', [...column('host', 105), ...wrappedText, ...linked(findingToHosts)])
    .overrideByName('kubernetes', [...column('Kubernetes', 95), ...wrappedText])
    .overrideByName('product', column('product', 80))
    .overrideByName('scene', column('scene', 110));
  return showColumns(panel, columns, ['severity', ...shown], read);
}

const ofManyClusters: Column[] = ['region', 'cluster', 'statement', 'since', 'product', 'scene'];

/** The clusters of a scope that are hurt, one row each, which leads to the cluster. */
export const worstNow = (scope: Scope, shown = ofManyClusters) =>
  diagnosisTable(
    'Worst now',
    'The clusters that are hurt, the worst first, and what is wrong with each of them.',
    shown
  )
    .height(7)
    .withTarget(diagnosis({ scope, findings: 'first', limit: 20 }))
    .overrideByName('cluster', [...column('cluster', 150), ...linked(rowToCluster)])
    .overrideByName('scene', [...column('scene', 110), ...linked(rowToScene)]);

/** What the findings of a cluster follow from; a click shows the series. */
export function evidenceTable() {
  const panel = table(
    'Evidence',
    'The figures and inspections that the diagnosis follows from; a click shows the series in Explore.',
    'Nothing speaks against this cluster.'
  )
    .overrideByName('suspect', column('suspect', 180))
    .overrideByName('evidence', [...wrappedText, ...linked(evidenceToExplore)])
    .overrideByName('check', column('inspection', 180));
  const all = ['region', 'cluster', 'suspect', 'evidence', 'expr', 'check', 'exploreQueries'];
  return showColumns(panel, all, ['suspect', 'evidence', 'check'], ['exploreQueries']);
}
