import { useEffect, useState } from 'react';
import { exhaustMap, timer } from 'rxjs';

import { type Answer, ask } from './ask';
import type { PanelModel } from './model';
import type { PageVariables } from './variables';

const refreshMilliseconds = 30_000;

/**
 * The answer to a panel's queries, asked again every 30 seconds and when `version` changes; undefined until the first one.
 * An answer stays until the next one is there, and a slow one is awaited. `model` and `variables` must keep their identity from render to render.
 */
export function useAnswer(model: PanelModel, variables: PageVariables, version = 0): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    const answers = timer(0, refreshMilliseconds).pipe(exhaustMap(() => ask(model, variables)));
    const subscription = answers.subscribe(setAnswer);
    return () => subscription.unsubscribe();
  }, [model, variables, version]);
  return answer;
}
