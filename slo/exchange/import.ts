// OpenSLO documents as definition files, as far as these have a place for what they say.
import { stringify } from 'yaml';
import { formatDuration } from '../model/duration.ts';
import { defaultManyClusters } from '../model/schema.ts';
import {
  label,
  named,
  nameOf,
  ofKind,
  record,
  type Draft,
  type Note,
  type Of,
  type Slo,
  type UnderstoodSlo,
} from './draft.ts';
import { addPolicies } from './import-policies.ts';
import type { Unmapped } from './openslo.ts';
import { recognize } from './queries.ts';
import { readDocuments, type ReadDocument } from './read.ts';
import { classNameOf, defaultClass, nameSlis } from './sli-names.ts';
import { chooseWindow } from './windows.ts';

export type ImportedFile = 'slis.yaml' | 'objectives.yaml' | 'classes.yaml';

export interface Imported {
  texts: Record<ImportedFile, string>;
  unmapped: Unmapped[];
}

const defaultWindow = 30 * 86400;
const defaultSeverity = { page: 'critical', ticket: 'warning' };

/**
 * Throws a DefinitionError when an SLO or SLI of the text is no OpenSLO v1. What is wrong in any other document is left
 * out and said in `unmapped`, as is all that the definitions have no place for. `file` is for messages.
 */
export function importOpenSlo(text: string, file: string): Imported {
  const read = readDocuments(text, file);
  const draft: Draft = {
    slis: { slis: record(), histograms: record() },
    objectives: {
      objectives: record(),
      window: formatDuration(defaultWindow),
      minimumBadEvents: 0,
      manyClusters: defaultManyClusters,
      burnRates: [],
    },
    classes: { classes: record(), overrides: [] },
    unmapped: [...read.leftOut],
  };
  const understood = ofKind(read.documents, 'SLO').flatMap((slo) => understand(slo, read.documents, draft));
  const names = nameSlis(understood, draft);
  // What a sum adds up must be known before it.
  const sumsLast = [...understood].sort((a, b) => Number(isSum(a)) - Number(isSum(b)));
  sumsLast.forEach((one) => addSli(one, names.get(one)!, draft));
  understood.forEach((one) => addPromise(one, names.get(one)!, draft));
  chooseWindow(understood, draft);
  addPolicies(read, draft);
  notePlainDocuments(read.documents, draft);
  noteEdges(draft);
  return { texts: textsOf(draft), unmapped: draft.unmapped };
}

const isSum = ({ recognized }: UnderstoodSlo) => recognized.kind === 'sum';

// ---------------------------------------------------------------------------------------------------------------- SLOs

function understand(slo: Slo, read: ReadDocument[], { unmapped }: Draft): UnderstoodSlo[] {
  const { spec } = slo;
  const note = (field: string, why: string, remedy: string) =>
    unmapped.push({ field: `SLO ${slo.metadata.name}: ${field}`, why, remedy });
  if (spec.budgetingMethod !== 'Occurrences') {
    note(
      'budgetingMethod',
      'Here events are counted, not slices of time.',
      'Left out. Count bad events and all events.'
    );
    return [];
  }
  if (spec.objectives.some((objective) => objective.indicator ?? objective.indicatorRef)) {
    note(
      'objectives',
      'A composite weighs its parts; here the worst SLI counts.',
      'Left out. Write an SLO for each SLI.'
    );
    return [];
  }
  const indicator = spec.indicator ?? named(ofKind(read, 'SLI'), spec.indicatorRef);
  if (!indicator) {
    note('indicatorRef', `There is no SLI ${spec.indicatorRef} in the file.`, 'Left out. Add the document of the SLI.');
    return [];
  }
  const recognized = recognizeIndicator(indicator.spec, note);
  if (!recognized) {
    return [];
  }
  noteDetails(slo, note);
  return [{ slo, indicator, recognized }];
}

function recognizeIndicator({ ratioMetric, thresholdMetric }: Of<'SLI'>['spec'], note: Note) {
  const { good, bad, total } = ratioMetric ?? {};
  if (thresholdMetric || !total) {
    note(
      `indicator.${thresholdMetric ? 'thresholdMetric' : 'ratioMetric.raw'}`,
      'Here bad events and all events are counted, so that windows and clusters can be added up.',
      'Left out. Write ratioMetric with total and bad or good.'
    );
    return undefined;
  }
  const query = (metric?: typeof total) => metric?.metricSource.spec.query;
  const recognized = recognize({ good: query(good), bad: query(bad), total: query(total) ?? '' });
  if (!recognized) {
    note(
      'indicator.ratioMetric',
      'The queries are no sums of counters, or what is bad cannot be told from them.',
      'Left out. Add the SLI to slis.yaml by hand, of kind ratio, latency or state.'
    );
  }
  return recognized;
}

function noteDetails({ spec }: Slo, note: Note) {
  if (spec.timeWindow?.[0].calendar) {
    note('timeWindow.calendar', 'Here windows roll.', 'The window has the same length and rolls.');
  }
  if (spec.objectives.length > 1) {
    note(
      'objectives',
      'An objective has one target for each class.',
      'The first is taken. Make a class for each other.'
    );
  }
}

function addSli({ slo, indicator, recognized }: UnderstoodSlo, name: string, draft: Draft) {
  const { slis, histograms } = draft.slis;
  const base = {
    title: indicator.metadata.displayName ?? indicator.metadata.name,
    description: indicator.spec.description ?? `Bad events of ${indicator.metadata.name}.`,
  };
  switch (recognized.kind) {
    case 'latency': {
      const { histogram, where, threshold } = recognized;
      const present = slis[name];
      const [source] = present?.kind === 'latency' ? present.sources : [{ histogram, where, thresholds: [] }];
      source.thresholds = withDuration(source.thresholds, threshold);
      histograms[histogram] = withDuration(histograms[histogram] ?? [], threshold);
      slis[name] = { ...base, kind: 'latency', sources: [source] };
      return;
    }
    case 'sum': {
      const of = recognized.parts.map((part) =>
        Object.keys(slis).find((other) => {
          const sli = slis[other];
          return sli.kind === 'ratio' && sli.bad === part.bad && sli.all === part.all;
        })
      );
      if (of.every((part) => part !== undefined)) {
        slis[name] = { ...base, kind: 'sum', of };
      } else {
        draft.unmapped.push({
          field: `SLO ${slo.metadata.name}: indicator.ratioMetric`,
          why: 'It adds up counters that no other SLI in the file counts.',
          remedy: 'Left out. Add an SLO for each of them.',
        });
      }
      return;
    }
    case 'ratio':
      slis[name] = { ...base, kind: 'ratio', bad: recognized.bad, all: recognized.all };
      return;
    case 'state':
      slis[name] = { ...base, kind: 'state', badWhile: recognized.badWhile };
      return;
    case 'scrapes':
      slis[name] = { ...base, kind: 'scrapes' };
  }
}

const seconds = (duration: string) => Number.parseFloat(duration) * (duration.endsWith('ms') ? 0.001 : 1);

/** Durations of seconds or milliseconds, ascending, each once. */
function withDuration(durations: string[], more: number): string[] {
  const text = Number.isInteger(more) ? `${more}s` : `${Number((more * 1000).toPrecision(12))}ms`;
  return [...new Set([...durations, text])].sort((a, b) => seconds(a) - seconds(b));
}

function addPromise(understood: UnderstoodSlo, sli: string, draft: Draft) {
  const { slo, recognized } = understood;
  if (!(sli in draft.slis.slis)) {
    return; // a sum of something unknown, which is noted
  }
  const { metadata, spec } = slo;
  const { objectives } = draft.objectives;
  const labelled = label(metadata.labels, 'objective');
  const objective = nameOf(labelled ?? metadata.name);
  if (objective in objectives && labelled === undefined) {
    draft.unmapped.push({
      field: `SLO ${metadata.name}`,
      why: `There is an objective ${objective} already, from an SLO of a like name.`,
      remedy: 'It became a part of that objective. Add the label objective to say another.',
    });
  }
  objectives[objective] ??= {
    title: metadata.displayName ?? metadata.name,
    description: spec.description ?? `Imported from the SLO ${metadata.name}.`,
    slis: [],
  };
  if (!objectives[objective].slis.includes(sli)) {
    objectives[objective].slis.push(sli);
  }
  const [{ target, targetPercent }] = spec.objectives;
  const { targets, thresholds } = classOf(understood, draft);
  const percent = targetPercent ?? Number(((target ?? 0) * 100).toPrecision(12));
  if ((targets[objective] ?? percent) !== percent) {
    draft.unmapped.push({
      field: `SLO ${metadata.name}: objectives.0.target`,
      why: `The objective ${objective} has the target ${targets[objective]} % for this class already.`,
      remedy: 'The first is kept. Give the label objective another value if both are wanted.',
    });
  }
  targets[objective] ??= percent;
  if (recognized.kind === 'latency') {
    [thresholds[sli]] = withDuration([], recognized.threshold);
  }
}

function classOf(understood: UnderstoodSlo, { classes: { classes }, unmapped }: Draft) {
  const name = classNameOf(understood);
  if (name === undefined) {
    unmapped.push({
      field: `SLO ${understood.slo.metadata.name}`,
      why: 'It does not say for which class of clusters it is.',
      remedy: 'It became the class default. Add the label spec to say another.',
    });
  }
  return (classes[name ?? defaultClass] ??= {
    targets: record(),
    thresholds: record(),
    severity: { ...defaultSeverity },
  });
}

// --------------------------------------------------------------------------------------------------------------- notes

function notePlainDocuments(read: ReadDocument[], { unmapped }: Draft) {
  const reasons = {
    DataSource: ['Where the rules run is not part of a definition.', 'See deploy/ for how Prometheus gets the rules.'],
    AlertNotificationTarget: ['Alertmanager routes by the labels urgency and severity.', 'Route there.'],
  };
  for (const [kind, [why, remedy]] of Object.entries(reasons)) {
    const names = read.filter((document) => document.kind === kind).map(({ metadata }) => metadata.name);
    if (names.length) {
      unmapped.push({ field: `${kind} ${names.join(', ')}`, why, remedy });
    }
  }
}

function noteEdges({ slis: { histograms }, unmapped }: Draft) {
  for (const [name, edges] of Object.entries(histograms)) {
    unmapped.push({
      field: `histograms.${name}`,
      why: 'OpenSLO does not know the bucket edges of a histogram.',
      remedy: `Only the thresholds in use are there (${edges.join(', ')}). Add the others.`,
    });
  }
}

function textsOf({ slis, objectives, classes }: Draft): Record<ImportedFile, string> {
  const text = (file: string, content: unknown) =>
    `# yaml-language-server: $schema=../schema/${file}.json\n# Imported from OpenSLO.\n\n${stringify(content, { lineWidth: 0 })}`;
  return {
    'slis.yaml': text('slis', slis),
    'objectives.yaml': text('objectives', objectives),
    'classes.yaml': text('classes', classes),
  };
}
