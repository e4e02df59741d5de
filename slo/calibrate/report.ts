// A calibration as text for the terminal. No I/O.
import { table } from '../../terminal/table.ts';
import { unifiedDiff } from './diff.ts';
import type { DefinitionTexts } from '../model/parse.ts';
import type { Curve, Judged, Proposal } from './propose.ts';
import type { Steps } from './history.ts';
import { fewIncidents } from './score.ts';
import {
  caveats,
  falseAlertCells,
  falseAlertHeadings,
  figureCells,
  figureHeadings,
  incidentCells,
  incidentHeadings,
  instant,
  nothing,
  percent,
  precision,
  recall,
  span,
} from './wording.ts';

/** Everything that a calibration found. */
export interface Calibration {
  /** Where the history is from. */
  source: string;
  steps: Steps;
  /** The present definitions first, by name. */
  judged: Array<{ name: string } & Judged>;
  proposal?: Proposal;
  /** What the server warned of. */
  warnings: string[];
}

/** False alerts in the terminal; the report and --json have all. */
const shownFalseAlerts = 15;

export function reportText({ source, judged, proposal, warnings }: Calibration): string {
  const [{ verdict, definitions }] = judged;
  const { period, falseAlerts } = verdict;
  const sections = [
    `${judged[0].clusters.length} clusters of ${source}, from ${instant(period.from)} to ${instant(period.to)} (${span(period.to - period.from)}).`,
    table(['DEFINITIONS', 'ALERTS', ...figureHeadings], verdictRows(judged)),
    table(
      ['OBJECTIVE', ...figureHeadings, 'BUDGET SPENT'],
      definitions.model.objectives.map(({ name }) => [
        name,
        ...figureCells(verdict.objectives[name]),
        percent(verdict.spent[name]),
      ])
    ),
    verdict.incidents.length ? table(incidentHeadings, verdict.incidents.map(incidentCells)) : '',
    falseAlerts.length ? table(falseAlertHeadings, falseAlerts.slice(0, shownFalseAlerts).map(falseAlertCells)) : '',
    falseAlerts.length > shownFalseAlerts ? `… and ${falseAlerts.length - shownFalseAlerts} more false alerts.` : '',
    ...(proposal ? proposalText(proposal) : []),
    [
      ...caveats(verdict),
      ...slowNote(verdict.all.alerts),
      ...warnings.map((warning) => `The server warned: ${warning}`),
    ].join('\n'),
  ];
  return sections.filter(Boolean).join('\n\n');
}

export const verdictRows = (judged: Calibration['judged']) =>
  judged.flatMap(({ name, verdict }) =>
    (['pages', 'tickets', 'all'] as const).map((kind, index) => [
      index ? '' : name,
      kind,
      ...figureCells(verdict[kind]),
    ])
  );

const slowNote = (alerts: number) =>
  alerts
    ? ['Times to detect are those of the rules’ arithmetic: groups that run every few minutes add up to that.']
    : [];

function proposalText(proposal: Proposal): string[] {
  return [
    ...proposal.curves.map(curveText),
    table(
      ['ALTOGETHER', 'ALERTS', ...figureHeadings],
      verdictRows([
        { name: 'present', ...proposal.before },
        { name: 'proposed', ...proposal.after },
      ])
    ),
    proposal.refused ?? '',
  ];
}

function curveText(curve: Curve): string {
  const { name, clusters, incidents, points, recommended, reason } = curve;
  const alone = points.some((point) => point.alone);
  const rows = points.map((point, index) => [
    point.value,
    precision(point.figures),
    recall(point.figures),
    span(point.figures.timeToDetect.median),
    ...(alone ? [point.alone ? precision(point.alone) : nothing, point.alone ? recall(point.alone) : nothing] : []),
    [point.isPresent ? 'present' : '', index === recommended ? 'recommended' : ''].filter(Boolean).join(', '),
  ]);
  const headings = ['CANDIDATE', 'PRECISION', 'RECALL', 'DETECTED AFTER', ...(alone ? ['ALONE', ''] : []), ''];
  return [
    `${name}: ${clusters} clusters, ${incidents} incidents`,
    ...(points.length ? [table(headings, rows)] : []),
    recommended === undefined
      ? `Nothing is recommended: ${reason}.`
      : `Recommended is ${points[recommended].value}: ${reason}.`,
  ].join('\n');
}

/** The change to commit, for each file that changes. */
export function diffOf(before: DefinitionTexts, after: DefinitionTexts, folder: string): string {
  return (Object.keys(before) as Array<keyof DefinitionTexts>)
    .map((file) => unifiedDiff(`${folder}/${file}`, before[file], after[file]))
    .join('');
}

/** For programs: every figure, without the series. */
export function reportJson({ source, judged, proposal, warnings }: Calibration, diff: string): string {
  const content = {
    source,
    warnings,
    fewIncidents: judged[0].verdict.all.incidents < fewIncidents,
    definitions: judged.map(({ name, clusters, verdict }) => ({ name, clusters: clusters.length, ...verdict })),
    ...(proposal && {
      proposal: {
        curves: proposal.curves,
        before: proposal.before.verdict,
        after: proposal.after.verdict,
        refused: proposal.refused,
        diff,
      },
    }),
  };
  return JSON.stringify(content, null, 2);
}
