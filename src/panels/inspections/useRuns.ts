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

/** How many runs are requested concurrently. */
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

  // The other panels are refreshed when the last result has arrived.
  const wasPending = useRef(false);
  useEffect(() => {
    if (wasPending.current && !pending) {
      refreshDashboard();
    }
    wasPending.current = pending;
  }, [pending]);

  const run = useCallback((inspections: Inspection[]) => {
    dispatch({ type: 'requested', inspections });
    // Continues after the panel is unmounted: the request has been made.
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

/** Milliseconds to the next poll: 1 s while the newest run is young, 3 s at most. */
export function pollDelay(waiting: WaitingRun[], now: number): number {
  const youngest = now - Math.max(...waiting.map(({ since }) => since));
  return Math.min(Math.max(youngest / 5, 1000), 3000);
}

/** A failed poll is repeated at the next interval, until the time limit. */
function readWaiting(waiting: WaitingRun[]) {
  const groups = groupedBy(
    waiting.map(({ inspection }) => inspection),
    ({ datasourceUid }) => datasourceUid ?? ''
  );
  return forkJoin(
    groups.map((group) => readRows(group[0].datasourceUid ?? '', group).pipe(catchError(() => of([]))))
  ).pipe(map((answers) => answers.flat()));
}
