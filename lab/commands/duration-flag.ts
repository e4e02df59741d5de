import { durationPattern, parseDuration } from '../../slo/model/duration.ts';
import { LabFailure } from '../failure.ts';

/** Parses the value of a flag such as `--last 3m` into seconds. */
export function secondsOf(flag: string, text: string): number {
  if (!durationPattern.test(text)) {
    throw new LabFailure(`--${flag} ${text} is not a duration.`, `Write for example --${flag} 3m.`);
  }
  return parseDuration(text);
}
