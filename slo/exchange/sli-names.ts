// The names of imported SLIs. Different teams call different indicators "errors"; each gets a name of its own.
import { label, nameOf, type Draft, type UnderstoodSlo } from './draft.ts';

export const defaultClass = 'default';

/** The class of clusters that an SLO is for, if it says one. */
export const classNameOf = ({ slo, recognized }: UnderstoodSlo) =>
  label(slo.metadata.labels, 'spec') ?? recognized.spec;

/** The name of the SLI of each SLO: its label `sli` or its indicator's name, unless another SLI has that name. */
export function nameSlis(understood: UnderstoodSlo[], { unmapped }: Draft): Map<UnderstoodSlo, string> {
  const names = new Map<UnderstoodSlo, string>();
  for (const one of understood) {
    const { slo, indicator } = one;
    const wanted = nameOf(label(slo.metadata.labels, 'sli') ?? indicator.metadata.name);
    const own = nameOf(`${slo.metadata.name}-${indicator.metadata.name}`);
    const isFree = (name: string) =>
      [...names].every(([other, taken]) => taken !== name || (isSameSli(one, other) && !differInThreshold(one, other)));
    const name = [wanted, own].find(isFree) ?? numbered(own, isFree);
    names.set(one, name);
    if (name !== wanted) {
      const [[other]] = [...names].filter(([, taken]) => taken === wanted);
      unmapped.push({
        field: `SLO ${slo.metadata.name}: indicator`,
        why: `The SLO ${other.slo.metadata.name} has another indicator of the name ${wanted}.`,
        remedy: `This one became the SLI ${name}. Rename it in slis.yaml and objectives.yaml.`,
      });
    }
  }
  return names;
}

function numbered(name: string, isFree: (name: string) => boolean): string {
  for (let number = 2; ; number++) {
    if (isFree(`${name}-${number}`)) {
      return `${name}-${number}`;
    }
  }
}

/** Whether two SLOs count the same events, of whichever class. */
function isSameSli({ recognized: a }: UnderstoodSlo, { recognized: b }: UnderstoodSlo): boolean {
  const identity = (of: UnderstoodSlo['recognized']) =>
    JSON.stringify({ ...of, spec: undefined, ...(of.kind === 'latency' && { threshold: undefined }) });
  return identity(a) === identity(b);
}

/** An SLI has one threshold in each class. */
const differInThreshold = (a: UnderstoodSlo, b: UnderstoodSlo) =>
  a.recognized.kind === 'latency' &&
  b.recognized.kind === 'latency' &&
  (classNameOf(a) ?? defaultClass) === (classNameOf(b) ?? defaultClass) &&
  a.recognized.threshold !== b.recognized.threshold;
