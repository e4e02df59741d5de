// An incident, and what reading a list of them has in common whatever its format. No I/O.
import { z } from 'zod';
import { clusterLabels } from '../../generate/series.ts';
import type { Urgency } from '../../model/schema.ts';
import type { ClusterLabels } from '../history.ts';

/** Which clusters: each label has one of the values; labels that are absent may have any. */
export type ClusterScope = Partial<Record<keyof ClusterLabels, string[]>>;

export interface Incident {
  /** Seconds. */
  start: number;
  /** Seconds; the time of reading for an incident that has not ended. */
  end: number;
  scope: ClusterScope;
  severity: string;
  note: string;
  /** What somebody had to do: see urgencyOf. */
  urgency: Urgency;
  /** Where it is written, such as `incidents.yaml:3`. */
  where: string;
}

/** A list that cannot be used, with each place and what to write there. */
export class IncidentError extends Error {}

/** Severities of what could wait for the next day; every other one had to wake somebody up. */
const ticketSeverities = ['ticket', 'info', 'low', 'minor'];

export const urgencyOf = (severity: string): Urgency =>
  ticketSeverities.includes(severity.toLowerCase()) ? 'ticket' : 'page';

/** What a parser of one format gets besides the text. */
export interface Reading {
  /** Seconds: when an incident without an end is taken to end. */
  now: number;
  /** Takes a sentence about an entry that is no incident, with its place. */
  leaveOut(where: string, why: string): void;
}

export type RawIncident = Omit<Incident, 'urgency' | 'where'>;

export const finished = (raw: RawIncident, where: string): Incident => ({
  ...raw,
  urgency: urgencyOf(raw.severity),
  where,
});

// ---------------------------------------------------------------------------------------------------------------- time

export const exampleTime = '2026-07-01T10:00:00Z';
const timePattern = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/;

/** Seconds from RFC 3339. */
export const time = z
  .union([z.string(), z.date()], `is not a time. Write RFC 3339, for example ${exampleTime}.`)
  .transform((value, context) => {
    const text = value instanceof Date ? (Number.isNaN(value.getTime()) ? '' : value.toISOString()) : value.trim();
    const milliseconds = timePattern.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN;
    if (Number.isNaN(milliseconds)) {
      context.addIssue({
        code: 'custom',
        message: `${text || 'Nothing'} is not a time. Write RFC 3339 with a zone, for example ${exampleTime}.`,
      });
      return z.NEVER;
    }
    return milliseconds / 1000;
  });

export function secondsOf(text: unknown, where: string): number {
  const { data, error } = time.safeParse(text);
  if (error) {
    throw new IncidentError(`${where}: ${error.issues[0].message}`);
  }
  return data;
}

// ------------------------------------------------------------------------------------------------------------ mistakes

/** Collects errors, so that all of them are reported together. */
export class Problems {
  private readonly lines: string[] = [];

  add(where: string, message: string) {
    this.lines.push(`${where}: ${message}`);
  }

  throwIfAny() {
    if (this.lines.length) {
      throw new IncidentError(this.lines.join('\n'));
    }
  }
}

/** Reports an end before the start; `where` is the place of the end. */
export function checkOrder(found: { start?: number; end?: number }, where: string, problems: Problems) {
  if (found.start !== undefined && found.end !== undefined && found.end < found.start) {
    problems.add(where, 'is before start. Exchange the two, or correct one.');
  }
}

/** The scope that labels of a series or an alert say. */
export const scopeOfLabels = (labels: Record<string, unknown>): ClusterScope =>
  Object.fromEntries(
    clusterLabels.flatMap((label) =>
      typeof labels[label] === 'string' && labels[label] ? [[label, [labels[label]]]] : []
    )
  );
