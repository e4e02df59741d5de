// From the text of definition files to the model: check shapes, check relations, and either all problems or a model.
// Reads no file, so that a browser can do it too.
import type { z } from 'zod';
import {
  checkBurnRates,
  checkClasses,
  checkDeployment,
  checkObjectives,
  checkSlis,
  checkUse,
  factorOf,
  type Finding,
} from './checks.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { Class, Deployment, Model, Promises, Sli } from './model.ts';
import { DefinitionError, type Problem } from './problem.ts';
import {
  definitionFiles,
  type ClassesFile,
  type DeploymentFile,
  type ObjectivesFile,
  type SlisFile,
} from './schema.ts';
import { Source } from './source.ts';

export type DefinitionFile = keyof typeof definitionFiles;

/** The text of each definition file. */
export type DefinitionTexts = Record<DefinitionFile, string>;

export interface Definitions {
  model: Model;
  deployment: Deployment;
}

export const definitionsFolder = 'slo/definitions';

/** Throws a DefinitionError with all that is wrong. `directory` is for its messages. */
export function parseDefinitions(texts: DefinitionTexts, directory = definitionsFolder): Definitions {
  const slis = parseFile('slis.yaml', texts, directory);
  const objectives = parseFile('objectives.yaml', texts, directory);
  const classes = parseFile('classes.yaml', texts, directory);
  const deployment = parseFile('deployment.yaml', texts, directory);

  // A check runs when the files that it needs have their shape, so that one mistake hides as few others as possible.
  if (slis.value) {
    slis.found(checkSlis(slis.value));
  }
  if (slis.value && objectives.value) {
    slis.found(checkUse(slis.value, objectives.value));
    objectives.found(checkObjectives(objectives.value, slis.value));
  }
  if (objectives.value) {
    objectives.found(checkBurnRates(objectives.value));
  }
  if (slis.value && objectives.value && classes.value) {
    classes.found(checkClasses(classes.value, objectives.value, slis.value));
  }
  if (deployment.value) {
    deployment.found(checkDeployment(deployment.value));
  }

  const problems = [slis, objectives, classes, deployment].flatMap((file) => file.problems);
  if (problems.length || !slis.value || !objectives.value || !classes.value || !deployment.value) {
    throw new DefinitionError(problems);
  }
  return {
    model: buildModel(slis.value, objectives.value, classes.value),
    deployment: buildDeployment(deployment.value),
  };
}

/** The same definitions for another place. Throws a DefinitionError when a value is invalid. */
export function changeDeployment(definitions: Definitions, changes: Partial<DeploymentFile>): Definitions {
  const { scrapeInterval, step, ...rest } = definitions.deployment;
  const present = { scrapeInterval: formatDuration(scrapeInterval), step: formatDuration(step), ...rest };
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  const text = JSON.stringify({ ...present, ...Object.fromEntries(given) });
  const file = new ParsedFile(
    new Source('flags', text),
    definitionFiles['deployment.yaml'] as z.ZodType<DeploymentFile>
  );
  if (file.value) {
    file.found(checkDeployment(file.value));
  }
  if (!file.value || file.problems.length) {
    throw new DefinitionError(file.problems);
  }
  return { ...definitions, deployment: buildDeployment(file.value) };
}

/** A file with what is wrong with it; it has a value when its shape is right. */
class ParsedFile<Value> {
  readonly problems: Problem[];
  readonly value?: Value;

  constructor(
    private readonly source: Source,
    schema: z.ZodType<Value>
  ) {
    this.problems = source.syntaxProblems();
    if (this.problems.length) {
      return;
    }
    const result = schema.safeParse(source.value());
    this.value = result.data;
    this.found(result.error?.issues.map(findingOf) ?? []);
  }

  found(findings: Finding[]) {
    this.problems.push(...findings.map(([field, message]) => this.source.problem(field, message)));
  }
}

function parseFile<Name extends DefinitionFile>(name: Name, texts: DefinitionTexts, directory: string) {
  const schema = definitionFiles[name] as unknown as z.ZodType<z.output<(typeof definitionFiles)[Name]>>;
  return new ParsedFile(new Source(`${directory}/${name}`, texts[name]), schema);
}

function findingOf(issue: z.core.$ZodIssue): Finding {
  const field = issue.path as Array<string | number>;
  return [issue.code === 'unrecognized_keys' ? [...field, issue.keys[0]] : field, issue.message];
}

function buildModel(slis: SlisFile, objectives: ObjectivesFile, { classes, overrides }: ClassesFile): Model {
  const objectiveOf = Object.fromEntries(
    Object.entries(objectives.objectives).flatMap(([name, objective]) => objective.slis.map((sli) => [sli, name]))
  );
  return {
    slis: Object.entries(slis.slis).map(([name, sli]) => buildSli(name, objectiveOf[name], sli)),
    objectives: Object.entries(objectives.objectives).map(([name, objective]) => ({ name, ...objective })),
    window: parseDuration(objectives.window),
    minimumBadEvents: objectives.minimumBadEvents,
    manyClusters: objectives.manyClusters,
    burnRates: objectives.burnRates.map(({ long, short, ...burnRate }) => ({
      ...burnRate,
      long: parseDuration(long),
      short: parseDuration(short),
      factor: factorOf(burnRate.budget, long, objectives.window),
    })),
    classes: Object.entries(classes).map(([name, { severity, ...promises }]): Class => {
      return { name, severity, ...buildPromises(promises) };
    }),
    overrides: overrides.map(({ reason, targets, thresholds, ...where }) => ({
      where,
      reason,
      ...buildPromises({ targets, thresholds }),
    })),
  };
}

function buildSli(name: string, objective: string, sli: SlisFile['slis'][string]): Sli {
  const symptom = sli.symptom ?? sli.title;
  if (sli.kind === 'state') {
    // Names of checks contain no special characters of regular expressions.
    const badWhile = sli.badWhile.replaceAll('$checks', (sli.checks ?? []).join('|'));
    return { name, objective, ...sli, symptom, badWhile };
  }
  if (sli.kind !== 'latency') {
    return { name, objective, ...sli, symptom };
  }
  const sources = sli.sources.map(({ histogram, where = '', thresholds }) => ({
    histogram,
    where,
    thresholds: thresholds.map(parseDuration),
  }));
  return { name, objective, ...sli, symptom, sources };
}

function buildPromises({ targets = {}, thresholds = {} }: Partial<ClassesFile['classes'][string]>): Promises {
  return {
    targets: mapValues(targets, (percent) => Number((percent / 100).toPrecision(12))),
    thresholds: mapValues(thresholds, parseDuration),
  };
}

function buildDeployment({ scrapeInterval, step, ...rest }: DeploymentFile): Deployment {
  return { scrapeInterval: parseDuration(scrapeInterval), step: parseDuration(step), ...rest };
}

function mapValues<From, To>(record: Record<string, From>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
