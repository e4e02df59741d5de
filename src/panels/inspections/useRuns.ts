import { useCallback, useEffect, useMemo, useReducer, useRef } from 'react';
import { catchError, defer, EMPTY, forkJoin, from, map, mergeMap, of, repeat, switchMap, timer } from 'rxjs';

import { refreshDashboard } from './refreshDashboard';
import { groupedBy, readRows, requestRun } from './requests';
import type { InspectionRow } from './rows';
import {
  type Inspection,
  isPending,
  noRuns,
  overlay,
  reduceRuns,
  type Run,
  type WaitingRun,
  waitingRuns,
} from './runs';

/** Grafana and the API servers are asked for this many runs at once. */
const concurrentRequests = 4;

export interface RunControls {
  /** The rows to show, each as new as it is known. */
  rows: InspectionRow[];
  runOf: (key: string) => Run | undefined;
  run: (inspections: Inspection[]) => void;
  dismiss: (key: string) => void;
}

/** Runs inspections on demand and follows each to its record, beside what the panel's query returns. */
export function useRuns(panelRows: InspectionRow[], timeoutSeconds: number): RunControls {
  const [runs, dispatch] = useReducer(reduceRuns, noRuns);
  const pending = Object.values(runs.byKey).some(isPending);
  const waiting = useMemo(() => waitingRuns(runs), [runs]);

  useEffect(() => dispatch({ type: 'refreshed', rows: panelRows, now: Date.now() }), [panelRows]);

  const latest = useRef({ waiting, timeoutSeconds });
  useEffect(() => {
    latest.current = { waiting, timeoutSeconds };
  }, [waiting, timeoutSeconds]);

  const polls = waiting.length > 0;
  useEffect(() => {
    if (!polls) {
      return;
    }
    const poll = defer(() => timer(pollDelay(latest.current.waiting, Date.now()))).pipe(
      switchMap(() => readWaiting(latest.current.waiting)),
      repeat()
    );
    const subscription = poll.subscribe((rows) => {
      const now = Date.now();
      dispatch({ type: 'observed', rows, now });
      dispatch({ type: 'elapsed', now, timeoutSeconds: latest.current.timeoutSeconds });
    });
    return () => subscription.unsubscribe();
  }, [polls]);

  // The other panels learn of the results when the last of them is there.
  const wasPending = useRef(false);
  useEffect(() => {
    if (wasPending.current && !pending) {
      refreshDashboard();
    }
    wasPending.current = pending;
  }, [pending]);

  const run = useCallback((inspections: Inspection[]) => {
    dispatch({ type: 'requested', inspections });
    // Runs on when the panel goes away: what was asked for is asked for.
    from(inspections)
      .pipe(
        mergeMap((inspection) => {
          const { key } = inspection;
          return requestRun(inspection).pipe(
            map((request) => dispatch({ type: 'accepted', key, request, now: Date.now() })),
            catchError((error: Error) => {
              dispatch({ type: 'refused', key, message: error.message });
              return EMPTY;
            })
          );
        }, concurrentRequests)
      )
      .subscribe();
  }, []);

  return {
    rows: useMemo(() => overlay(panelRows, runs), [panelRows, runs]),
    runOf: (key) => runs.byKey[key],
    run,
    dismiss: useCallback((key: string) => dispatch({ type: 'dismissed', key }), []),
  };
}

/** Milliseconds to the next look: 1 s while the newest run is young, 3 s at most. */
export function pollDelay(waiting: WaitingRun[], now: number): number {
  const youngest = now - Math.max(...waiting.map(({ since }) => since));
  return Math.min(Math.max(youngest / 5, 1000), 3000);
}

/** A look that fails is repeated at the next turn: the time limit ends it all. */
function readWaiting(waiting: WaitingRun[]) {
  const groups = groupedBy(
    waiting.map(({ inspection }) => inspection),
    ({ datasourceUid }) => datasourceUid ?? ''
  );
  return forkJoin(
    groups.map((group) => readRows(group[0].datasourceUid ?? '', group).pipe(catchError(() => of([]))))
  ).pipe(map((answers) => answers.flat()));
}
