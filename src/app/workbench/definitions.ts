import type { DefinitionTexts } from '../../../slo/model/parse.ts';
import classes from '../../../slo/definitions/classes.yaml';
import deployment from '../../../slo/definitions/deployment.yaml';
import objectives from '../../../slo/definitions/objectives.yaml';
import slis from '../../../slo/definitions/slis.yaml';

/** The definitions that this build of the app was made with. */
export const presentTexts: DefinitionTexts = {
  'classes.yaml': classes,
  'deployment.yaml': deployment,
  'objectives.yaml': objectives,
  'slis.yaml': slis,
};
