import { getBackendSrv, isFetchError } from '@grafana/runtime';
import { catchError, map, type Observable, of } from 'rxjs';

/** The health check of one datasource. */
export interface Health {
  ok: boolean;
  message: string;
  /** What was checked: Thanos and each region. */
  checks: HealthCheck[];
}

export interface HealthCheck {
  name: string;
  ok: boolean;
  message: string;
  /** The version of the server, if it reports one. */
  version?: string;
}

interface HealthAnswer {
  status?: string;
  message?: string;
  details?: { checks?: HealthCheck[] };
}

/** Runs the datasource's health check, the one of Save & test. Never fails: the result holds the errors. */
export function checkHealth(datasourceUid: string): Observable<Health> {
  return getBackendSrv()
    .fetch<HealthAnswer>({
      url: `/api/datasources/uid/${datasourceUid}/health`,
      showErrorAlert: false,
      hideFromInspector: true,
    })
    .pipe(
      map((response) => toHealth(response.data)),
      // Grafana answers a failed check with an error status and the same body.
      catchError((error: unknown) => of(toHealth(isFetchError<HealthAnswer>(error) ? error.data : undefined)))
    );
}

function toHealth(answer: HealthAnswer | undefined): Health {
  return {
    ok: answer?.status === 'OK',
    message: answer?.message ?? 'The health check was not answered: see Grafana’s log for the datasource’s plugin.',
    checks: answer?.details?.checks ?? [],
  };
}
