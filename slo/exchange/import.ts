// OpenSLO documents as definition files, as far as these have a place for what they say.
import { stringify } from 'yaml';
import { formatDuration } from '../model/duration.ts';
import {
  defaultManyClusters,
  urgencies,
  type ClassesFile,
  type ObjectivesFile,
  type SlisFile,
  type Urgency,
} from '../model/schema.ts';
import { parseShorthand, type Unmapped } from './openslo.ts';
import { recognize, type Recognized } from './queries.ts';
import { readDocuments, type ReadDocument } from './read.ts';

export type ImportedFile = 'slis.yaml' | 'objectives.yaml' | 'classes.yaml';

export interface Imported {
  texts: Record<ImportedFile, string>;
  unmapped: Unmapped[];
}

type Of<Kind extends ReadDocument['kind']> = Extract<ReadDocument, { kind: Kind }>;
type Slo = Of<'SLO'>;
type Policy = Pick<Of<'AlertPolicy'>, 'metadata' | 'spec'>;
type Labels = Slo['metadata']['labels'];

/** What has been understood so far. */
interface Draft {
  slis: SlisFile;
  objectives: ObjectivesFile;
  classes: ClassesFile;
  unmapped: Unmapped[];
}

/** An SLO whose indicator is one of the kinds that the definitions have. */
interface UnderstoodSlo {
  slo: Slo;
  indicator: Pick<Of<'SLI'>, 'metadata' | 'spec'>;
  recognized: Recognized;
}

const defaultWindow = 30 * 86400;
const defaultSeverity = { page: 'critical', ticket: 'warning' };

/** Throws a DefinitionError when the text is no OpenSLO v1. `file` is for its messages. */
export function importOpenSlo(text: string, file: string): Imported {
  const read = readDocuments(text, file);
  const draft: Draft = {
    slis: { slis: {}, histograms: {} },
    objectives: {
      objectives: {},
      window: formatDuration(defaultWindow),
      minimumBadEvents: 0,
      manyClusters: defaultManyClusters,
      burnRates: [],
    },
    classes: { classes: {}, overrides: [] },
    unmapped: [],
  };
  const understood = ofKind(read, 'SLO').flatMap((slo) => understand(slo, read, draft));
  // What a sum adds up must be known before it.
  const sumsLast = [...understood].sort((a, b) => Number(isSum(a)) - Number(isSum(b)));
  sumsLast.forEach((one) => addSli(one, draft));
  understood.forEach((one) => addPromise(one, draft));
  policiesIn(read, draft).forEach((policy) => addBurnRate(policy, read, draft));
  draft.objectives.burnRates.sort((a, b) => burnSpeed(b) - burnSpeed(a));
  notePlainDocuments(read, draft);
  noteEdges(draft);
  return { texts: textsOf(draft), unmapped: draft.unmapped };
}

const isSum = ({ recognized }: UnderstoodSlo) => recognized.kind === 'sum';

function ofKind<Kind extends ReadDocument['kind']>(read: ReadDocument[], kind: Kind): Array<Of<Kind>> {
  return read.filter((document): document is Of<Kind> => document.kind === kind);
}

const named = <Named extends { metadata: { name: string } }>(all: Named[], name?: string) =>
  all.find(({ metadata }) => metadata.name === name);

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

type Note = (field: string, why: string, remedy: string) => void;

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

function addSli({ slo, indicator, recognized }: UnderstoodSlo, draft: Draft) {
  const { slis, histograms } = draft.slis;
  const name = sliName({ slo, indicator });
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

function addPromise({ slo, indicator, recognized }: UnderstoodSlo, draft: Draft) {
  const sli = sliName({ slo, indicator });
  if (!(sli in draft.slis.slis)) {
    return; // a sum of something unknown, which is noted
  }
  const { metadata, spec } = slo;
  const { objectives } = draft.objectives;
  const objective = nameOf(label(metadata.labels, 'objective') ?? metadata.name);
  objectives[objective] ??= {
    title: metadata.displayName ?? metadata.name,
    description: spec.description ?? `Imported from the SLO ${metadata.name}.`,
    slis: [],
  };
  if (!objectives[objective].slis.includes(sli)) {
    objectives[objective].slis.push(sli);
  }
  const [{ target, targetPercent }] = spec.objectives;
  const { targets, thresholds } = classOf(slo, recognized, draft);
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
  setWindow(slo, draft);
}

function classOf({ metadata }: Slo, { spec }: Recognized, { classes: { classes }, unmapped }: Draft) {
  const name = label(metadata.labels, 'spec') ?? spec;
  if (name === undefined) {
    unmapped.push({
      field: `SLO ${metadata.name}`,
      why: 'It does not say for which class of clusters it is.',
      remedy: 'It became the class default. Add the label spec to say another.',
    });
  }
  return (classes[name ?? 'default'] ??= { targets: {}, thresholds: {}, severity: { ...defaultSeverity } });
}

function setWindow({ metadata, spec }: Slo, { objectives, unmapped }: Draft) {
  const text = spec.timeWindow?.[0].duration;
  const window = text === undefined ? defaultWindow : parseShorthand(text);
  if (window === undefined) {
    unmapped.push({
      field: `SLO ${metadata.name}: timeWindow`,
      why: `${text} has no fixed length.`,
      remedy: `It became ${objectives.window}. Write days to say another.`,
    });
    return;
  }
  objectives.window = formatDuration(window);
}

const sliName = ({ slo, indicator }: Pick<UnderstoodSlo, 'slo' | 'indicator'>) =>
  nameOf(label(slo.metadata.labels, 'sli') ?? indicator.metadata.name);

/** A label that has one value. */
function label(labels: Labels, name: string): string | undefined {
  const value = labels?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** As the definitions write names. */
const nameOf = (text: string) =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .replace(/-$/, '');

// -------------------------------------------------------------------------------------------------------------- alerts

function policiesIn(read: ReadDocument[], { unmapped }: Draft): Policy[] {
  const policies = ofKind(read, 'AlertPolicy');
  const inline = ofKind(read, 'SLO').flatMap(({ metadata, spec }) =>
    (spec.alertPolicies ?? []).flatMap((policy): Policy[] => {
      if (typeof policy === 'object' && 'spec' in policy) {
        return [policy];
      }
      const name = typeof policy === 'string' ? policy : policy.alertPolicyRef;
      if (!named(policies, name)) {
        unmapped.push({
          field: `SLO ${metadata.name}: alertPolicies`,
          why: `There is no AlertPolicy ${name} in the file.`,
          remedy: 'Left out. Add the document of the policy.',
        });
      }
      return [];
    })
  );
  return [...policies, ...inline];
}

function addBurnRate({ metadata, spec }: Policy, read: ReadDocument[], draft: Draft) {
  const note: Note = (field, why, remedy) =>
    draft.unmapped.push({ field: `AlertPolicy ${metadata.name}: ${field}`, why, remedy });
  const [first] = spec.conditions;
  const condition =
    'conditionRef' in first ? named(ofKind(read, 'AlertCondition'), first.conditionRef)?.spec : first.spec;
  if (!condition) {
    note('conditions', 'The condition is not in the file.', 'Left out. Add the document of the condition.');
    return;
  }
  const { op, threshold, lookbackWindow, alertAfter = '0m' } = condition.condition;
  const long = parseShorthand(lookbackWindow);
  if (op.startsWith('l') || long === undefined) {
    note('conditions.0', 'Here an alert fires above a burn rate, over a window of fixed length.', 'Left out.');
    return;
  }
  if (parseShorthand(alertAfter) !== 0) {
    note('alertAfter', 'Here the short window makes sure that it lasts.', 'It was dropped: alerts fire at once.');
  }
  if (spec.alertWhenNoData) {
    note('alertWhenNoData', 'Missing data is an SLI of its own.', 'Nothing to do: the alerts about the data say it.');
  }
  const name = nameOf(label(metadata.labels, 'burnRate') ?? metadata.name);
  const urgency = urgencyOf(label(metadata.labels, 'urgency') ?? condition.severity, note);
  setSeverity(label(metadata.labels, 'spec'), urgency, condition.severity, draft);
  const { burnRates, window } = draft.objectives;
  if (burnRates.every((rate) => rate.name !== name)) {
    const short = Math.max(300, long / 12);
    const budget = Number((((threshold * long) / windowSeconds(window)) * 100).toPrecision(12));
    burnRates.push({ name, budget, long: formatDuration(long), short: formatDuration(short), urgency });
    note('conditions.0.lookbackWindow', 'A condition has one window.', `short became ${formatDuration(short)}.`);
  }
}

const windowSeconds = (window: string) => parseShorthand(window)!;

const burnSpeed = ({ budget, long }: ObjectivesFile['burnRates'][number]) => budget / parseShorthand(long)!;

function urgencyOf(text: string, note: Note): Urgency {
  const known = urgencies.find((urgency) => urgency === text);
  if (!known) {
    note(
      'severity',
      `Whether ${text} pages somebody is not said.`,
      'It became page. Change urgency if a ticket will do.'
    );
  }
  return known ?? 'page';
}

/** Of one class, or of all when the policy names none. */
function setSeverity(spec: string | undefined, urgency: Urgency, severity: string, { classes: { classes } }: Draft) {
  for (const [name, of] of Object.entries(classes)) {
    if (spec === undefined || spec === name) {
      of.severity[urgency] = severity;
    }
  }
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
