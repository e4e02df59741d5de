// The window of imported SLOs: the definitions have one for all objectives.
import { formatDuration } from '../model/duration.ts';
import type { Draft, Slo, UnderstoodSlo } from './draft.ts';
import { parseShorthand } from './openslo.ts';

/** Takes the longest window, whatever the order, and says whose was not taken. */
export function chooseWindow(understood: UnderstoodSlo[], { objectives, unmapped }: Draft) {
  const fixed = understood.flatMap(({ slo }) => {
    const seconds = windowOf(slo);
    return seconds ? [{ slo, seconds }] : [];
  });
  const longest = fixed.toSorted((a, b) => b.seconds - a.seconds || compare(a.slo, b.slo)).at(0);
  if (longest) {
    objectives.window = formatDuration(longest.seconds);
  }
  for (const { slo } of understood) {
    const text = slo.spec.timeWindow?.[0].duration;
    if (text !== undefined && !windowOf(slo)) {
      unmapped.push({
        field: `SLO ${slo.metadata.name}: timeWindow`,
        why: `${text} has no fixed length.`,
        remedy: `It became ${objectives.window}. Write days to say another.`,
      });
    }
  }
  for (const { slo, seconds } of fixed.filter((each) => each.seconds !== longest?.seconds)) {
    unmapped.push({
      field: `SLO ${slo.metadata.name}: timeWindow`,
      why: `The definitions have one window; ${formatDuration(longest!.seconds)} of the SLO ${longest!.slo.metadata.name} is taken, the longest.`,
      remedy: `${formatDuration(seconds)} is left out. Import the SLO into definitions of its own to keep it.`,
    });
  }
}

const windowOf = ({ spec }: Slo) => {
  const text = spec.timeWindow?.[0].duration;
  return text === undefined ? undefined : parseShorthand(text);
};

const compare = (a: Slo, b: Slo) => (a.metadata.name < b.metadata.name ? -1 : 1);
