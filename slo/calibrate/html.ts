// A calibration as a page that needs nothing else: styles and charts are in it. No I/O.
import { burnChart, tradeOffChart } from './charts.ts';
import { clusterId, type Measured } from './history.ts';
import { inScope } from './incidents.ts';
import type { Curve } from './propose.ts';
import { verdictRows, type Calibration } from './report.ts';
import { notifications } from './score.ts';
import { simulate } from './simulate.ts';
import { escaped, svgText } from './svg.ts';
import {
  caveats,
  clusterName,
  falseAlertCells,
  falseAlertHeadings,
  figureCells,
  figureHeadings,
  incidentCells,
  incidentHeadings,
  instant,
  percent,
  precision,
  recall,
  span,
} from './wording.ts';

/** Clusters with charts: those with most incidents and alerts. */
const shownClusters = 20;

const size = { width: 900, height: 240 };

const style = `
:root { color-scheme: light dark; --text: #24292e; --weak: #6a737d; --line: #d8dce1; --back: #ffffff; --panel: #f4f5f5; }
@media (prefers-color-scheme: dark) { :root { --text: #d8d9da; --weak: #9fa7b3; --line: #33373d; --back: #111217; --panel: #181b1f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; } th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--weak); font-weight: 600; } .scroll { overflow-x: auto; } .weak { color: var(--weak); } figure { margin: 1rem 0; }
pre { background: var(--panel); padding: 1rem; overflow-x: auto; } svg { width: 100%; height: auto; }
`;

export function reportHtml(calibration: Calibration, diff: string): string {
  const { source, judged, proposal, warnings } = calibration;
  const [present] = judged;
  const { verdict, definitions } = present;
  const { period } = verdict;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Calibration of the etcd SLOs</title>
<style>${style}</style>
<h1>Calibration of the etcd SLOs</h1>
<p>${present.clusters.length} clusters of ${escaped(source)}, from ${instant(period.from)} to ${instant(period.to)} (${span(period.to - period.from)}).</p>
<ul>${[...caveats(verdict), ...warnings.map((warning) => `The server warned: ${warning}`)].map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>
<h2>How well the alerts detected the incidents</h2>
${htmlTable(['DEFINITIONS', 'ALERTS', ...figureHeadings], verdictRows(judged))}
${htmlTable(
  ['OBJECTIVE', ...figureHeadings, 'BUDGET SPENT'],
  definitions.model.objectives.map(({ name }) => [
    name,
    ...figureCells(verdict.objectives[name]),
    percent(verdict.spent[name]),
  ])
)}
<h2>Incidents</h2>
${verdict.incidents.length ? htmlTable(incidentHeadings, verdict.incidents.map(incidentCells)) : '<p>None in this history.</p>'}
<h2>False alerts</h2>
${verdict.falseAlerts.length ? htmlTable(falseAlertHeadings, verdict.falseAlerts.map(falseAlertCells)) : '<p>None.</p>'}
${
  proposal
    ? `<h2>Candidates</h2>\n${proposal.curves.map(curveHtml).join('\n')}\n<h3>Altogether</h3>\n${htmlTable(
        ['DEFINITIONS', 'ALERTS', ...figureHeadings],
        verdictRows([
          { name: 'present', ...proposal.before },
          { name: 'proposed', ...proposal.after },
        ])
      )}\n${proposal.refused ? `<p>${escaped(proposal.refused)}</p>` : ''}${diff ? `<pre>${escaped(diff)}</pre>` : '<p>Nothing is to be changed.</p>'}`
    : ''
}
<h2>What happened</h2>
<p class="weak">Shaded is an incident, a red strip below is when an alert of the objective would have fired.</p>
${clusterCharts(calibration)}
</html>
`;
}

function curveHtml(curve: Curve): string {
  const { name, clusters, incidents, points, recommended, reason } = curve;
  const head = `<h3>${escaped(name)}</h3><p class="weak">${clusters} clusters, ${incidents} incidents</p>`;
  if (points.length === 0) {
    return `${head}<p>Nothing is recommended: ${escaped(reason)}.</p>`;
  }
  const rows = points.map((point, index) => [
    point.value,
    precision(point.figures),
    recall(point.figures),
    span(point.figures.timeToDetect.median),
    [point.isPresent ? 'present' : '', index === recommended ? 'recommended' : ''].filter(Boolean).join(', '),
  ]);
  const choice = recommended === undefined ? 'Nothing is recommended' : `Recommended is ${points[recommended].value}`;
  return `${head}<figure>${svgText(tradeOffChart(curve), size)}</figure>${htmlTable(['CANDIDATE', 'PRECISION', 'RECALL', 'DETECTED AFTER', ''], rows)}<p>${escaped(`${choice}: ${reason}.`)}</p>`;
}

function clusterCharts({ judged: [{ definitions, clusters, verdict }], steps }: Calibration): string {
  const firings = simulate(clusters, steps, definitions);
  const incidents = verdict.incidents.map(({ incident }) => incident);
  const weight = (cluster: Measured) =>
    incidents.filter(({ scope }) => inScope(scope, cluster.labels)).length +
    notifications(firings.filter(({ labels }) => clusterId(labels) === clusterId(cluster.labels))).length;
  const eventful = clusters.filter((cluster) => weight(cluster) > 0).sort((a, b) => weight(b) - weight(a));
  const charts = eventful.slice(0, shownClusters).flatMap((cluster) => {
    const objectives = definitions.model.objectives
      .map(({ name }) => name)
      .filter((name) =>
        firings.some((firing) => firing.objective === name && clusterId(firing.labels) === clusterId(cluster.labels))
      );
    return (objectives.length ? objectives : [definitions.model.objectives[0].name]).map((objective) => {
      const chart = burnChart(cluster, objective, { steps, definitions, incidents, firings }, verdict.period);
      return `<figure><figcaption>${escaped(`${clusterName(cluster.labels)}: ${objective}`)}</figcaption>${svgText(chart, size)}</figure>`;
    });
  });
  const left = eventful.length - shownClusters;
  return charts.join('\n') + (left > 0 ? `<p>${left} more clusters had incidents or alerts.</p>` : '');
}

const htmlTable = (headings: string[], rows: string[][]) =>
  `<div class="scroll"><table><thead><tr>${headings.map((text) => `<th>${escaped(capital(text))}</th>`).join('')}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row.map((text) => `<td>${escaped(text)}</td>`).join('')}</tr>`)
    .join('\n')}</tbody></table></div>`;

const capital = (text: string) => text.slice(0, 1) + text.slice(1).toLowerCase();
