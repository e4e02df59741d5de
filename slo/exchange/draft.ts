// Definition files while an import fills them.
import type { ClassesFile, ObjectivesFile, SlisFile } from '../model/schema.ts';
import type { Unmapped } from './openslo.ts';
import type { Recognized } from './queries.ts';
import type { ReadDocument } from './read.ts';

/** What has been understood so far. */
export interface Draft {
  slis: SlisFile;
  objectives: ObjectivesFile;
  classes: ClassesFile;
  unmapped: Unmapped[];
}

export type Of<Kind extends ReadDocument['kind']> = Extract<ReadDocument, { kind: Kind }>;
export type Slo = Of<'SLO'>;

/** An SLO whose indicator is one of the kinds that the definitions have. */
export interface UnderstoodSlo {
  slo: Slo;
  indicator: Pick<Of<'SLI'>, 'metadata' | 'spec'>;
  recognized: Recognized;
}

/** A record whose keys are names from elsewhere, such as `constructor`. */
export const record = <Value>(): Record<string, Value> => Object.create(null) as Record<string, Value>;

/** Records what has no place in the definitions. */
export type Note = (field: string, why: string, remedy: string) => void;

export const ofKind = <Kind extends ReadDocument['kind']>(read: ReadDocument[], kind: Kind): Array<Of<Kind>> =>
  read.filter((document): document is Of<Kind> => document.kind === kind);

export const named = <Named extends { metadata: { name: string } }>(all: Named[], name?: string) =>
  all.find(({ metadata }) => metadata.name === name);

/** A label that has one value. */
export function label(labels: Slo['metadata']['labels'], name: string): string | undefined {
  const value = labels?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** As the definitions write names. */
export const nameOf = (text: string) =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .replace(/-$/, '') || 'imported';
