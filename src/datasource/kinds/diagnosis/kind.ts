import { oneOf } from '../../fields';
import { expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { DiagnosisEditor } from './DiagnosisEditor';
import { diagnosisDefaults as defaults, type DiagnosisQuery, findingsChoices } from './query';

export const diagnosis: Kind<DiagnosisQuery> = {
  label: 'Diagnosis',
  description: 'What is wrong with clusters: causes with members, hosts, evidence and the next action, worst first',
  defaults,
  normalize: (fields) => ({
    scope: scopeOf(fields),
    findings: oneOf(fields, 'findings', findingsChoices, defaults.findings),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({ ...query, scope: expandScope(query.scope, variables) }),
  Editor: DiagnosisEditor,
};
