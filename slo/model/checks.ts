// What the schemas cannot see: relations between fields and files. Each check gives all that it finds.
import { formatDuration, parseDuration } from './duration.ts';
import { overrideLabels } from './model.ts';
import type { ClassesFile, DeploymentFile, ObjectivesFile, SlisFile } from './schema.ts';
import type { FieldPath } from './source.ts';
import { suggest } from './suggestion.ts';

/** A field and what is wrong with it. */
export type Finding = [path: FieldPath, message: string];

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const matcher = '[a-zA-Z_][a-zA-Z0-9_]*\\s*(?:=|!=|=~|!~)\\s*"(?:[^"\\\\]|\\\\.)*"';
const matchers = `${matcher}(?:\\s*,\\s*${matcher})*`;
const selectorPattern = new RegExp(`^${metricName}(?:\\{\\s*(?:${matchers})?\\s*\\})?$`);
const matchersPattern = new RegExp(`^${matchers}$`);

export function checkSlis({ slis, histograms }: SlisFile): Finding[] {
  return [
    ...Object.entries(histograms).flatMap(([name, edges]) => checkAscending(['histograms', name], edges)),
    ...Object.entries(slis).flatMap(([name, sli]): Finding[] => {
      const path = ['slis', name];
      switch (sli.kind) {
        case 'ratio':
          return [
            ...checkSelector([...path, 'bad'], sli.bad),
            ...checkSelector([...path, 'all'], sli.all),
            ...checkState([...path, 'failsWhile'], sli.failsWhile, slis),
          ];
        case 'latency':
          return sli.sources.flatMap((source, index) => checkSource([...path, 'sources', index], source, histograms));
        case 'state':
          return checkBadWhile(path, sli);
        case 'sum':
          return sli.of.flatMap((part, index) => checkPart([...path, 'of', index], part, slis));
        case 'scrapes':
          return [];
      }
    }),
  ];
}

type SliOf<Kind> = Extract<SlisFile['slis'][string], { kind: Kind }>;

function checkBadWhile(path: FieldPath, { badWhile, checks }: SliOf<'state'>): Finding[] {
  const findings: Finding[] = [];
  if (!badWhile.includes('by ($cluster)')) {
    findings.push([
      [...path, 'badWhile'],
      'does not say for which cluster. Aggregate `by ($cluster)`, as in max by ($cluster) (…).',
    ]);
  }
  if (badWhile.includes('$checks') && !checks) {
    findings.push([[...path, 'badWhile'], 'names $checks, and the SLI lists none. Add checks: [alarms, membership].']);
  }
  if (checks && !badWhile.includes('"$checks"')) {
    findings.push([[...path, 'checks'], 'are not in badWhile. Match the label there: check=~"$checks".']);
  }
  return findings;
}

function checkState(path: FieldPath, state: string | undefined, slis: SlisFile['slis']): Finding[] {
  const states = Object.keys(slis).filter((name) => slis[name].kind === 'state');
  return state === undefined || states.includes(state)
    ? []
    : [[path, `${state} is no SLI of kind state. ${suggest(state, states)}`]];
}

function checkSelector(path: FieldPath, selector: string): Finding[] {
  return selectorPattern.test(selector)
    ? []
    : [
        [
          path,
          `${selector} is not a selector. Write a metric name and label matchers only, such as requests_total{code="Internal"}; increase and sum are added by the generator.`,
        ],
      ];
}

function checkSource(
  path: FieldPath,
  { histogram, where, thresholds }: SliOf<'latency'>['sources'][number],
  histograms: SlisFile['histograms']
): Finding[] {
  const edges = histograms[histogram];
  const findings: Finding[] = checkAscending([...path, 'thresholds'], thresholds);
  if (where !== undefined && !matchersPattern.test(where)) {
    findings.push([
      [...path, 'where'],
      `${where} are not label matchers. Write them without braces, such as type="Put".`,
    ]);
  }
  if (!edges) {
    return [
      ...findings,
      [
        [...path, 'histogram'],
        `The edges of ${histogram} are not listed under histograms. ${suggest(histogram, Object.keys(histograms))}`,
      ],
    ];
  }
  const known = new Set(edges.map(parseDuration));
  thresholds.forEach((threshold, index) => {
    if (!known.has(parseDuration(threshold))) {
      findings.push([
        [...path, 'thresholds', index],
        `${threshold} is not a bucket edge of ${histogram}. Its edges are ${edges.join(', ')}.`,
      ]);
    }
  });
  return findings;
}

function checkAscending(path: FieldPath, durations: string[]): Finding[] {
  const at = durations.findIndex(
    (text, index) => index > 0 && parseDuration(text) <= parseDuration(durations[index - 1])
  );
  return at === -1
    ? []
    : [[[...path, at], `${durations[at]} follows ${durations[at - 1]}. List each once, ascending.`]];
}

function checkPart(path: FieldPath, part: string, slis: SlisFile['slis']): Finding[] {
  const ratios = Object.keys(slis).filter((name) => slis[name].kind === 'ratio');
  if (!slis[part]) {
    return [[path, `There is no SLI ${part}. ${suggest(part, ratios)}`]];
  }
  return slis[part].kind === 'ratio'
    ? []
    : [
        [
          path,
          `${part} is of kind ${slis[part].kind}. Only events of the same unit can be added: name SLIs of kind ratio (${ratios.join(', ')}).`,
        ],
      ];
}

/** Findings in slis.yaml: SLIs that no objective has. */
export function checkUse({ slis }: SlisFile, { objectives }: ObjectivesFile): Finding[] {
  const used = new Set(Object.values(objectives).flatMap((objective) => objective.slis));
  return Object.keys(slis)
    .filter((name) => !used.has(name))
    .map((name) => [
      ['slis', name],
      `No objective has this SLI. Add it to one of ${Object.keys(objectives).join(', ')} in objectives.yaml, or remove it.`,
    ]);
}

export function checkObjectives({ objectives }: ObjectivesFile, { slis }: SlisFile): Finding[] {
  const owner: Record<string, string> = {};
  return Object.entries(objectives).flatMap(([objective, { slis: names }]) =>
    names.flatMap((name, index): Finding[] => {
      const path = ['objectives', objective, 'slis', index];
      if (!slis[name]) {
        return [[path, `There is no SLI ${name}. ${suggest(name, Object.keys(slis))}`]];
      }
      if (owner[name]) {
        return [
          [
            path,
            `${name} belongs to ${owner[name]} already. Each SLI has one objective: remove it from one of the two.`,
          ],
        ];
      }
      owner[name] = objective;
      return [];
    })
  );
}

const shortestWindow = '5m';
const shortestBudgetWindow = '1d';

export function checkBurnRates({ burnRates, window }: ObjectivesFile): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, number>();
  burnRates.forEach(({ name, long, short, budget }, index) => {
    const at = (field: string): FieldPath => ['burnRates', index, field];
    if (seen.has(name)) {
      findings.push([at('name'), `${name} is there already. Alerts take their names from it: use another one.`]);
    }
    seen.set(name, index);
    if (parseDuration(long) >= parseDuration(window)) {
      findings.push([at('long'), `${long} is not shorter than the window of ${window}. Choose a shorter one.`]);
    }
    if (parseDuration(short) >= parseDuration(long)) {
      findings.push([
        at('short'),
        `${short} is not shorter than long, which is ${long}. A twelfth of it is usual: ${formatDuration(parseDuration(long) / 12)}.`,
      ]);
    }
    if (parseDuration(short) < parseDuration(shortestWindow)) {
      findings.push([
        at('short'),
        `${short} holds too few evaluations to be a window. Write at least ${shortestWindow}.`,
      ]);
    }
    const factor = factorOf(budget, long, window);
    const previous = burnRates[index - 1];
    if (previous && factor > factorOf(previous.budget, previous.long, window)) {
      findings.push([
        ['burnRates', index],
        `${name} is ${round(factor)} times too fast and comes after ${previous.name}, which is slower. List the fastest first.`,
      ]);
    }
  });
  if (parseDuration(window) <= parseDuration(shortestBudgetWindow)) {
    findings.push([['window'], `${window} is too short for an error budget. Write more than a day; 30d is usual.`]);
  }
  return findings;
}

export function checkClasses(classes: ClassesFile, objectives: ObjectivesFile, slis: SlisFile): Finding[] {
  return [
    ...Object.entries(classes.classes).flatMap(([name, { targets, thresholds }]) => {
      const path = ['classes', name];
      return [
        ...checkComplete(
          [...path, 'targets'],
          targets,
          Object.keys(objectives.objectives),
          'target for the objective',
          '99.9'
        ),
        ...checkComplete(
          [...path, 'thresholds'],
          thresholds,
          latencyNames(slis),
          'threshold for the latency SLI',
          '250ms'
        ),
        ...checkPromises(path, { targets, thresholds }, objectives, slis),
      ];
    }),
    ...classes.overrides.flatMap((override, index) => {
      const path = ['overrides', index];
      const { targets = {}, thresholds = {} } = override;
      return [
        ...checkScope(path, override, classes),
        ...checkDuplicate(path, index, classes),
        ...checkPromises(path, { targets, thresholds }, objectives, slis),
      ];
    }),
  ];
}

function checkComplete(path: FieldPath, given: object, wanted: string[], what: string, example: string): Finding[] {
  return wanted
    .filter((name) => !(name in given))
    .map((name) => [path, `has no ${what} ${name}. Add ${name}: ${example}`]);
}

interface PromisesFile {
  targets: Record<string, number>;
  thresholds: Record<string, string>;
}

function checkPromises(
  path: FieldPath,
  { targets, thresholds }: PromisesFile,
  objectives: ObjectivesFile,
  slis: SlisFile
): Finding[] {
  return [
    ...Object.entries(targets).flatMap(([name, target]): Finding[] => {
      const at = [...path, 'targets', name];
      return name in objectives.objectives
        ? checkReachable(at, target, objectives)
        : [[at, `There is no objective ${name}. ${suggest(name, Object.keys(objectives.objectives))}`]];
    }),
    ...Object.entries(thresholds).flatMap(([name, threshold]): Finding[] => {
      const at = [...path, 'thresholds', name];
      const sli = slis.slis[name];
      return sli?.kind === 'latency'
        ? checkThreshold(at, name, threshold, sli)
        : [[at, `There is no latency SLI ${name}. ${suggest(name, latencyNames(slis))}`]];
    }),
  ];
}

/** A burn rate that needs more bad events than there are events can never be seen. */
function checkReachable(path: FieldPath, target: number, { burnRates, window }: ObjectivesFile): Finding[] {
  return burnRates
    .map(({ name, budget, long }) => ({ name, factor: factorOf(budget, long, window) }))
    .filter(({ factor }) => factor * (100 - target) >= 100)
    .map(({ name, factor }) => [
      path,
      `With ${target} the alert ${name} can never fire: it waits for ${round(factor)} times ${round(100 - target)} % of bad events. Write more than ${round(100 - 100 / factor)}, or lower the alert's budget.`,
    ]);
}

function checkThreshold(path: FieldPath, name: string, threshold: string, { sources }: SliOf<'latency'>): Finding[] {
  const seconds = parseDuration(threshold);
  const [first, ...others] = sources;
  if (!first.thresholds.some((candidate) => parseDuration(candidate) === seconds)) {
    return [
      [
        path,
        `${threshold} is not a threshold of ${name}. It offers ${first.thresholds.join(', ')}; another edge of ${first.histogram} must be added to its thresholds in slis.yaml first.`,
      ],
    ];
  }
  return others
    .filter((source) => source.thresholds.every((candidate) => parseDuration(candidate) < seconds))
    .map((source) => [
      path,
      `${threshold} is longer than every threshold of the source ${source.histogram} of ${name} (${source.thresholds.join(', ')}). Add a longer one there in slis.yaml, or choose a shorter one here.`,
    ]);
}

type OverrideFile = ClassesFile['overrides'][number];

function checkScope(path: FieldPath, override: OverrideFile, { classes }: ClassesFile): Finding[] {
  const findings: Finding[] = [];
  const { product, scene, spec, targets, thresholds } = override;
  if (product === undefined && scene === undefined) {
    findings.push([
      path,
      spec === undefined
        ? 'is for no clusters. Add product, scene or both.'
        : `is for all of ${spec}. Edit the class ${spec} itself, or add product, scene or both.`,
    ]);
  }
  if (spec !== undefined && !(spec in classes)) {
    findings.push([[...path, 'spec'], `There is no class ${spec}. ${suggest(spec, Object.keys(classes))}`]);
  }
  if (!targets && !thresholds) {
    findings.push([path, 'changes nothing. Add targets or thresholds.']);
  }
  return findings;
}

function checkDuplicate(path: FieldPath, index: number, { overrides }: ClassesFile): Finding[] {
  const earlier = overrides.findIndex((override) => scopeOf(override) === scopeOf(overrides[index]));
  return earlier < index
    ? [[path, `is for the same clusters as overrides.${earlier} (${scopeOf(overrides[index])}). Put both into one.`]]
    : [];
}

const scopeOf = (override: OverrideFile) =>
  overrideLabels
    .filter((label) => override[label] !== undefined)
    .map((label) => `${label} ${override[label]}`)
    .join(', ');

export function checkDeployment({ scrapeInterval, step }: DeploymentFile): Finding[] {
  const [scrape, seconds] = [parseDuration(scrapeInterval), parseDuration(step)];
  const findings: Finding[] = [];
  if (seconds % scrape !== 0 || seconds < 2 * scrape) {
    findings.push([
      ['step'],
      `${step} is not a multiple of the scrape interval. Write at least twice ${scrapeInterval}, for example ${formatDuration(4 * scrape)}.`,
    ]);
  }
  if (seconds > longestStep) {
    findings.push([
      ['step'],
      `${step} is too long: the shortest window needs several steps. Write at most ${formatDuration(longestStep)}.`,
    ]);
  }
  return findings;
}

/** So that the shortest window holds five steps. */
const longestStep = parseDuration(shortestWindow) / 5;

/** How many times too fast `budget` percent burn within `long`. */
export const factorOf = (budget: number, long: string, window: string) =>
  Number(((budget / 100) * (parseDuration(window) / parseDuration(long))).toPrecision(12));

const latencyNames = ({ slis }: SlisFile) => Object.keys(slis).filter((name) => slis[name].kind === 'latency');

const round = (value: number) => Number(value.toFixed(2));
