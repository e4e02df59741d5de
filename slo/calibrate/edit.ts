// Changes of definition files that leave everything else in them as it is, comments too. No I/O.
import { isMap, isScalar, parseDocument } from 'yaml';
import { parseDuration } from '../model/duration.ts';
import type { DefinitionTexts } from '../model/parse.ts';
import { overrideLabels, type OverrideLabel } from '../model/model.ts';
import type { ClassesFile, ObjectivesFile } from '../model/schema.ts';
import type { FieldPath } from '../model/source.ts';

/** Puts a value in the place of another one. Throws when there is none. */
export function changeField(text: string, path: FieldPath, value: string | number): string {
  const node = parseDocument(text).getIn(path, true);
  if (!isScalar(node) || !node.range) {
    throw new Error(`There is no value at ${path.join('.')} to change.`);
  }
  const [from, to] = node.range;
  return text.slice(0, from) + String(value) + text.slice(to);
}

/** A place in classes.yaml that says the threshold of an SLI: a class or an override. */
export interface ThresholdSite {
  /** Such as `class default` or `override tke, big-customer`. */
  name: string;
  path: FieldPath;
  /** Seconds. */
  threshold: number;
}

export function thresholdSites(texts: DefinitionTexts, sli: string): ThresholdSite[] {
  const { classes, overrides = [] } = parseDocument(texts['classes.yaml']).toJS() as ClassesFile;
  const site = (name: string, path: FieldPath, thresholds: Record<string, string> | undefined): ThresholdSite[] =>
    thresholds?.[sli] === undefined
      ? []
      : [{ name, path: [...path, 'thresholds', sli], threshold: parseDuration(thresholds[sli]) }];
  return [
    ...Object.entries(classes).flatMap(([name, { thresholds }]) =>
      site(`class ${name}`, ['classes', name], thresholds)
    ),
    ...overrides.flatMap((override, index) => site(nameOf(override), ['overrides', index], override.thresholds)),
  ];
}

const nameOf = (where: Partial<Record<OverrideLabel, string>>) =>
  `override ${overrideLabels.flatMap((label) => where[label] ?? []).join(', ')}`;

/** The names and the fields of burn rates in objectives.yaml that can be changed. */
export function burnRateFields(texts: DefinitionTexts): ObjectivesFile['burnRates'] {
  const document = parseDocument(texts['objectives.yaml']);
  return isMap(document.contents) ? (document.toJS() as ObjectivesFile).burnRates : [];
}

export function changeFile(
  texts: DefinitionTexts,
  file: keyof DefinitionTexts,
  changes: Array<{ path: FieldPath; value: string | number }>
): DefinitionTexts {
  return { ...texts, [file]: changes.reduce((text, { path, value }) => changeField(text, path, value), texts[file]) };
}
