/** A query's fields as JSON holds them. The functions below read one; an absent field and null give the fallback. */
export type Fields = Record<string, unknown>;

/** Why a query is refused: the field to blame, and a sentence for the user. */
export class Refusal extends Error {
  constructor(
    readonly field: string,
    message: string
  ) {
    super(message);
  }
}

/** Bounds each list of a query. */
const maxValues = 10_000;
/** Bounds each of their values, in bytes. */
const maxValueLength = 1024;

export function asFields(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(field, `${field} must be an object`);
  }
  return value as Fields;
}

export function text(fields: Fields, field: string, fallback: string): string {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'string') {
    throw new Refusal(field, `${field} must be a text`);
  }
  return value;
}

export function texts(value: unknown, field: string): string[] {
  const list = value ?? [];
  if (!Array.isArray(list) || list.some((entry) => typeof entry !== 'string')) {
    throw new Refusal(field, `${field} must be a list of texts`);
  }
  if (list.length > maxValues) {
    throw new Refusal(field, `${field} must have at most ${maxValues} values`);
  }
  if (list.some((entry) => new TextEncoder().encode(entry).length > maxValueLength)) {
    throw new Refusal(field, `${field} must have values of at most ${maxValueLength} bytes`);
  }
  return list;
}

export function flag(fields: Fields, field: string, fallback: boolean): boolean {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'boolean') {
    throw new Refusal(field, `${field} must be true or false`);
  }
  return value;
}

export function integer(fields: Fields, field: string, fallback: number, min: number, max: number): number {
  const value = fields[field] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new Refusal(field, `${field} must be a whole number from ${min} to ${max}`);
  }
  return value;
}

export function oneOf<T extends string>(fields: Fields, field: string, allowed: readonly T[], fallback?: T): T {
  const value = fields[field] ?? fallback;
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw new Refusal(field, `${field} must be one of ${allowed.filter((name) => name !== '').join(', ')}`);
  }
  return value as T;
}

const prometheusDuration = /^([0-9]+(ms|[smhdwy]))+$/;

/** Variables such as `$__interval` are filled in before the query leaves the browser, so they pass here. */
export function duration(fields: Fields, field: string, fallback: string): string {
  const value = text(fields, field, fallback);
  if (value !== '' && !value.includes('$') && !prometheusDuration.test(value)) {
    throw new Refusal(field, `${field} must be a duration such as 15s or 1m`);
  }
  return value;
}
