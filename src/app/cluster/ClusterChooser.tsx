import type { DataSourceInstanceSettings } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import { Alert, Combobox, Field, Stack } from '@grafana/ui';
import React, { useEffect, useMemo, useState } from 'react';

import type { FleetDatasource } from '../../datasource/datasource';
import type { Scope, ScopeField } from '../../datasource/scope';
import type { ClusterName } from '../paths';

interface Props {
  datasources: DataSourceInstanceSettings[];
  /** Each is empty as long as it is not chosen. */
  datasource: string;
  region: string;
  cluster: string;
  onChoose: (datasource: string, of: ClusterName) => void;
}

/** Which cluster the page shows. One that the inventory does not have stays chosen. */
export function ClusterChooser({ datasources, datasource, region, cluster, onChoose }: Props) {
  const everywhere = useMemo<Scope>(() => ({}), []);
  const inRegion = useMemo<Scope>(() => ({ region: [region] }), [region]);
  const regions = useScopeValues(datasource, 'region', everywhere);
  const clusters = useScopeValues(region ? datasource : '', 'cluster', inRegion);
  const problem = regions.problem ?? clusters.problem;
  return (
    <>
      {problem && (
        <Alert severity="error" title="The inventory could not be read">
          {problem}
        </Alert>
      )}
      <Stack wrap="wrap">
        {(datasources.length > 1 || datasource === '') && (
          <Choice
            of="datasource"
            options={datasources.map(({ uid, name }) => ({ value: uid, label: name }))}
            chosen={datasource}
            onChoose={(uid) => onChoose(uid, {})}
          />
        )}
        <Choice
          of="region"
          options={optionsOf(regions.values, region)}
          chosen={region}
          isDisabled={datasource === ''}
          onChoose={(name) => onChoose(datasource, { region: name })}
        />
        <Choice
          of="cluster"
          options={optionsOf(clusters.values, cluster)}
          chosen={cluster}
          isDisabled={datasource === '' || region === ''}
          onChoose={(name) => onChoose(datasource, { region, cluster: name })}
        />
      </Stack>
    </>
  );
}

interface ChoiceProps {
  of: keyof typeof widths;
  options: Array<{ value: string; label: string }>;
  /** Empty as long as nothing is chosen. */
  chosen: string;
  isDisabled?: boolean;
  onChoose: (value: string) => void;
}

const widths = { datasource: 30, region: 24, cluster: 48 };

const Choice = ({ of, options, chosen, isDisabled, onChoose }: ChoiceProps) => (
  <Field label={of[0].toUpperCase() + of.slice(1)} noMargin>
    <Combobox
      id={of}
      options={options}
      value={chosen || null}
      placeholder={`Choose a ${of}`}
      disabled={isDisabled}
      onChange={({ value }) => onChoose(value)}
      width={widths[of]}
    />
  </Field>
);

const optionsOf = (values: string[], chosen: string) =>
  [...new Set([chosen, ...values])].filter(Boolean).map((value) => ({ value, label: value }));

/** The values of a field among the clusters of a scope; none without a datasource. */
function useScopeValues(datasource: string, field: ScopeField, scope: Scope): { values: string[]; problem?: string } {
  const [found, setFound] = useState<{ values: string[]; problem?: string }>({ values: [] });
  useEffect(() => {
    let isCurrent = true;
    if (datasource !== '') {
      (getDataSourceSrv().get(datasource) as unknown as Promise<FleetDatasource>)
        .then((source) => source.scopeValues(field, scope))
        .then((values) => isCurrent && setFound({ values }))
        .catch((error: Error) => isCurrent && setFound({ values: [], problem: error.message }));
    }
    return () => {
      isCurrent = false;
    };
  }, [datasource, field, scope]);
  return found;
}
