// Alert policies as burn rates.
import { formatDuration } from '../model/duration.ts';
import { urgencies, type ObjectivesFile, type Urgency } from '../model/schema.ts';
import { label, named, nameOf, ofKind, type Draft, type Note, type Of } from './draft.ts';
import { parseShorthand } from './openslo.ts';
import type { ReadDocuments } from './read.ts';

type Policy = Pick<Of<'AlertPolicy'>, 'metadata' | 'spec'>;
type Condition = Of<'AlertCondition'>['spec'];

/** Adds a burn rate for each policy; the window of the objectives must be known. */
export function addPolicies(read: ReadDocuments, draft: Draft) {
  const policies = ofKind(read.documents, 'AlertPolicy');
  const left = new Set(read.leftOut.map(({ field }) => field.split(':')[0]));
  for (const { metadata, spec } of ofKind(read.documents, 'SLO')) {
    for (const policy of spec.alertPolicies ?? []) {
      const name = typeof policy === 'string' ? policy : 'alertPolicyRef' in policy ? policy.alertPolicyRef : undefined;
      if (name !== undefined && !named(policies, name) && !left.has(`AlertPolicy ${name}`)) {
        draft.unmapped.push({
          field: `SLO ${metadata.name}: alertPolicies`,
          why: `There is no AlertPolicy ${name} in the file.`,
          remedy: 'Left out. Add the document of the policy.',
        });
      }
    }
  }
  const all = [...policies, ...read.inlinePolicies.map(({ policy }) => policy)];
  all.forEach((policy) => addBurnRate(policy, read, draft));
  draft.objectives.burnRates.sort((a, b) => burnSpeed(b) - burnSpeed(a));
}

interface Burning {
  condition: Condition;
  threshold: number;
  /** Seconds. */
  window: number;
}

function addBurnRate(policy: Policy, read: ReadDocuments, draft: Draft) {
  const { metadata, spec } = policy;
  const note: Note = (field, why, remedy) =>
    draft.unmapped.push({ field: `AlertPolicy ${metadata.name}: ${field}`, why, remedy });
  const burning = spec.conditions
    .flatMap((_, index) => conditionOf(policy, index, read, note))
    .sort((a, b) => b.window - a.window);
  const [longest, ...others] = burning;
  if (!longest) {
    return;
  }
  if (spec.alertWhenNoData) {
    note(
      'alertWhenNoData',
      'Missing data is an SLI of its own.',
      'Nothing to do: the alerts about the data report it.'
    );
  }
  const { condition, threshold, window: long } = longest;
  // A pair of windows with one factor is what a burn rate is here.
  const shortest = others.findLast((other) => other.threshold === threshold && other.window < long);
  for (const other of others.filter((each) => each !== shortest)) {
    note(
      'conditions',
      'A burn rate has a long and a short window with one factor.',
      `The condition of ${formatDuration(other.window)} and ${other.threshold} is left out. Write a policy for it.`
    );
  }
  const name = nameOf(label(metadata.labels, 'burnRate') ?? metadata.name);
  const urgency = urgencyOf(label(metadata.labels, 'urgency') ?? condition.severity, note);
  setSeverity(label(metadata.labels, 'spec'), urgency, condition.severity, draft);
  const { burnRates, window } = draft.objectives;
  const budget = Number((((threshold * long) / parseShorthand(window)!) * 100).toPrecision(12));
  const short = shortest?.window ?? Math.max(300, long / 12);
  const rate = { name, budget, long: formatDuration(long), short: formatDuration(short), urgency };
  if (!shortest) {
    note('conditions.0.lookbackWindow', 'A condition has one window.', `short became ${rate.short}.`);
  }
  const present = burnRates.find((each) => each.name === name);
  if (present) {
    if (JSON.stringify(present) !== JSON.stringify(rate)) {
      note(
        'metadata.name',
        `There is another burn rate ${name}, of ${present.budget} % in ${present.long}.`,
        'That one is kept. Rename the policy if both are wanted.'
      );
    }
    return;
  }
  burnRates.push(rate);
}

function conditionOf({ spec }: Policy, index: number, read: ReadDocuments, note: Note): Burning[] {
  const one = spec.conditions[index];
  const field = `conditions.${index}`;
  const condition =
    'conditionRef' in one ? named(ofKind(read.documents, 'AlertCondition'), one.conditionRef)?.spec : one.spec;
  if (!condition) {
    note(field, 'The condition is not in the file.', 'Left out. Add the document of the condition.');
    return [];
  }
  const { op, threshold, lookbackWindow, alertAfter = '0m' } = condition.condition;
  const window = parseShorthand(lookbackWindow);
  if (op.startsWith('l') || !window || threshold <= 0) {
    note(field, 'Here an alert fires above a burn rate, over a window of fixed length.', 'Left out.');
    return [];
  }
  if (lookbackWindow.startsWith('-')) {
    note(`${field}.lookbackWindow`, 'A window has a length and no sign.', `It became ${formatDuration(window)}.`);
  }
  if (parseShorthand(alertAfter) !== 0) {
    note(
      'alertAfter',
      'Here the short window makes sure that the trouble lasts.',
      'It was dropped: alerts fire at once.'
    );
  }
  return [{ condition, threshold, window }];
}

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
