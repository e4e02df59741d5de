// Pieces of the templates in alerts' annotations.
import type { Model } from '../model/model.ts';

/** One of several texts by the value of a label; nothing for other values. */
export function choose(label: string, texts: Record<string, string>): string {
  const branches = Object.entries(texts).map(
    ([value, text]) => `if eq $labels.${label} ${JSON.stringify(value)} }}${text}`
  );
  return `{{ ${branches.join('{{ else ')}{{ end }}`;
}

/** What is wrong with the cluster, by the SLI that burns fastest. */
export const symptom = ({ slis }: Model) =>
  choose('sli', Object.fromEntries(slis.map((sli) => [sli.name, sli.symptom])));

/** A name such as etcd-availability in words. */
export const objectiveInWords = '{{ reReplaceAll "-" " " $labels.objective }}';

export const ofCluster =
  'The {{ $labels.spec }} cluster {{ $labels.cluster }} in {{ $labels.region }} ({{ $labels.product }}, {{ $labels.scene }})';
