// The diagnosis as the dashboards show it: a table of findings whose first row answers, in words.
import { evidenceToExplore, findingToHosts } from './links.ts';
import { column, colouredWords, linked, showColumns, table, wrappedText } from './panels.ts';

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
    .overrideByName('since', [...column('since', 140), { id: 'unit', value: 'dateTimeFromNow' }])
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
