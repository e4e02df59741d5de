import { type Fields, integer, Refusal } from './fields';

/** Changes the fields of a saved query of one version to those of the next. */
export type Migration = (fields: Fields) => Fields;

/**
 * Those from version 1 on, in order: a query without a version has 1, and the current version is one more than there are
 * migrations. Each has its counterpart in pkg/datasource/version.go, which tests compare by golden files.
 */
export const migrations: Migration[] = [];

/**
 * The fields in the current version, which they name unless it is 1. Throws a Refusal of a newer version: half of a query would be
 * another query.
 */
export function migrated(fields: Fields, steps = migrations): Fields {
  const { version: _, ...unversioned } = fields;
  const version = integer(fields, 'version', 1, 1, 2 ** 31 - 1);
  const current = steps.length + 1;
  if (version > current) {
    throw new Refusal(
      'version',
      `version is ${version}, and this plugin reads queries up to version ${current}: update the app etcd Fleet to the release that wrote the query`
    );
  }
  const changed = steps.slice(version - 1).reduce((before, step) => step(before), unversioned);
  return current === 1 ? changed : { ...changed, version: current };
}
