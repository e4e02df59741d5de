// Computes a rule's result without recorded series: the rule's own expression over a longer window, with the
// expressions of the rules that it reads inlined.
import { formatDuration } from '../../slo/model/duration.ts';
import { metricsIn } from '../../slo/promql/metric-names.ts';
import type { RecordingRule, RuleFile } from '../../slo/generate/rules.ts';
import { events } from '../../slo/generate/series.ts';
import type { Deployment, Model, Sli } from '../../slo/model/model.ts';

type Kind = 'bad' | 'all';

/** Expressions for an SLI's events of each cluster over a window, from raw series. */
export class RawExpressions {
  readonly #rules: RecordingRule[];
  readonly #model: Model;
  readonly #deployment: Deployment;

  constructor({ groups }: RuleFile, model: Model, deployment: Deployment) {
    this.#rules = groups.flatMap(({ rules }) => rules).filter((rule): rule is RecordingRule => 'record' in rule);
    this.#model = model;
    this.#deployment = deployment;
  }

  of(sliName: string, kind: Kind, window: number): string {
    const sli = this.#model.slis.find(({ name }) => name === sliName)!;
    const expr = this.#inlined(sli, kind, window);
    const { step } = this.#deployment;
    switch (sli.kind) {
      case 'state':
        return `sum_over_time((\n${expr}\n)[${formatDuration(window)}:${formatDuration(step)}])`;
      case 'scrapes':
        return kind === 'all' ? `(${expr}) * ${window / step}` : expr;
      default:
        return expr;
    }
  }

  #inlined(sli: Sli, kind: Kind, window: number): string {
    if (sli.kind === 'sum') {
      return this.#sum(sli.of, kind, window);
    }
    const { step, scrapeInterval } = this.#deployment;
    const { expr } = this.#rule(sli, kind);
    const other = (of: Kind) => `${events('cluster')}{sli="${sli.name}",events="${of}"}`;
    const long = expr
      .replaceAll(`[${formatDuration(step + scrapeInterval)}]`, `[${formatDuration(window)}]`)
      .replaceAll(` * ${step} / ${step + scrapeInterval}`, '')
      .replaceAll(`[${formatDuration(step)}]`, `[${formatDuration(window)}]`);
    // The events of a state are summed by the caller. All others already cover the window.
    const inner = (of: Kind) => (sli.kind === 'state' ? this.#inlined(sli, of, window) : this.of(sli.name, of, window));
    return (['all', 'bad'] as const).reduce(
      (text, of) => (text.includes(other(of)) ? text.replaceAll(other(of), `(${inner(of)})`) : text),
      long
    );
  }

  #sum(parts: string[], kind: Kind, window: number): string {
    return parts.map((part) => `(${this.of(part, kind, window)})`).join('\n+\n');
  }

  #rule({ name }: Sli, kind: Kind): RecordingRule {
    const found = this.#rules.find(
      ({ record, labels }) => record === events('cluster') && labels?.sli === name && labels.events === kind
    );
    if (!found) {
      throw new Error(`no rule records ${kind} events of ${name}`);
    }
    return found;
  }
}

/** Restricts every selector of an expression, except those of series without these labels. */
export function restricted(expr: string, matchers: string, lacking = /^(spec:|etcd_slo_)/): string {
  return metricsIn(expr)
    .filter(({ text }) => !lacking.test(text))
    .reduceRight((text, { to }) => {
      const [before, after] = [text.slice(0, to), text.slice(to)];
      return after.startsWith('{') ? `${before}{${matchers},${after.slice(1)}` : `${before}{${matchers}}${after}`;
    }, expr);
}
