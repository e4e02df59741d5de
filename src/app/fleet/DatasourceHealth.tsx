import { css } from '@emotion/css';
import { type DataSourceInstanceSettings, type GrafanaTheme2, OrgRole } from '@grafana/data';
import { config } from '@grafana/runtime';
import { Alert, Badge, Box, Button, LinkButton, LoadingPlaceholder, Stack, Text, useStyles2 } from '@grafana/ui';
import React, { useEffect, useState } from 'react';

import { clusterAddress, editDatasourceAddress, regionsDashboardAddress } from '../paths';
import { FirstFold } from './FirstFold';
import { checkHealth, type Health } from './health';

/** One datasource: who is hurt, then its health check, server by server. */
export function DatasourceHealth({ datasource: { uid, name } }: { datasource: DataSourceInstanceSettings }) {
  const styles = useStyles2(getStyles);
  const [attempt, setAttempt] = useState(0);
  const [health, setHealth] = useState<Health>();
  const isAdmin = config.bootData.user.orgRole === OrgRole.Admin;

  useEffect(() => {
    const subscription = checkHealth(uid).subscribe(setHealth);
    return () => subscription.unsubscribe();
  }, [uid, attempt]);

  const checkAgain = () => {
    setHealth(undefined);
    setAttempt(attempt + 1);
  };

  return (
    <Box element="section" borderStyle="solid" borderColor="weak" padding={2} aria-label={name}>
      <Stack direction="column" gap={2}>
        <Stack justifyContent="space-between" alignItems="center" wrap="wrap">
          <Text element="h2" variant="h4">
            {name}
          </Text>
          <Stack wrap="wrap">
            <LinkButton icon="globe" href={regionsDashboardAddress(uid)}>
              Regions
            </LinkButton>
            <LinkButton variant="secondary" icon="sitemap" href={clusterAddress(uid)}>
              Cluster
            </LinkButton>
            {isAdmin && (
              <LinkButton variant="secondary" icon="cog" href={editDatasourceAddress(uid)}>
                Configure
              </LinkButton>
            )}
            <Button
              variant="secondary"
              icon="sync"
              aria-label={`Check ${name} again`}
              tooltip="Check again"
              onClick={checkAgain}
            />
          </Stack>
        </Stack>
        <FirstFold datasourceUid={uid} />
        <div aria-live="polite">
          {health ? (
            <>
              {!health.ok && health.checks.every(({ ok }) => ok) && (
                <Alert severity="error" title={health.message} bottomSpacing={1} />
              )}
              {health.checks.length > 0 ? (
                <ul className={styles.checks} aria-label="Servers">
                  {health.checks.map((check) => (
                    <li key={check.name} className={styles.check}>
                      <Badge
                        color={check.ok ? 'green' : 'red'}
                        icon={check.ok ? 'check' : 'exclamation-triangle'}
                        text={check.ok ? 'OK' : 'Trouble'}
                      />
                      <Text weight="medium">{check.name}</Text>
                      <Text color="secondary">
                        {check.version ? `${check.message} (${check.version})` : check.message}
                      </Text>
                    </li>
                  ))}
                </ul>
              ) : (
                health.ok && <Text>{health.message}</Text>
              )}
            </>
          ) : (
            <LoadingPlaceholder text="Checking Thanos and the regions …" />
          )}
        </div>
      </Stack>
    </Box>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  checks: css({ listStyle: 'none', display: 'grid', gap: theme.spacing(1) }),
  check: css({
    display: 'grid',
    gridTemplateColumns: '80px minmax(80px, 120px) 1fr',
    alignItems: 'center',
    gap: theme.spacing(1),
  }),
});
