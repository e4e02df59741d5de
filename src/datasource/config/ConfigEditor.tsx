import type { DataSourcePluginOptionsEditorProps } from '@grafana/data';
import { Alert, Button, Field, FieldSet, Input, RadioButtonGroup, Stack, Text } from '@grafana/ui';
import React from 'react';

import {
  addRegion,
  defaultQueryTimeoutSeconds,
  defaultTimeInterval,
  type FleetOptions,
  type FleetSecrets,
  maxQueryTimeoutSeconds,
  regionsOf,
  rolesToRun,
} from '../settings';
import { durationProblem, timeoutProblem } from './problems';
import { RegionFields } from './RegionFields';
import { TextField } from './TextField';
import { ThanosFields } from './ThanosFields';
import { ViewFields } from './ViewFields';

const roleOptions = rolesToRun.map((value) => ({ value, label: value === 'Editor' ? 'Editors and admins' : 'Admins' }));

export function ConfigEditor({
  options: settings,
  onOptionsChange,
}: DataSourcePluginOptionsEditorProps<FleetOptions, FleetSecrets>) {
  const disabled = settings.readOnly ?? false;
  const { jsonData } = settings;
  const regions = regionsOf(settings);
  const setOption = (change: Partial<FleetOptions>) =>
    onOptionsChange({ ...settings, jsonData: { ...jsonData, ...change } });
  const timeout = jsonData.queryTimeoutSeconds;

  return (
    <>
      <ThanosFields settings={settings} onChange={onOptionsChange} disabled={disabled} />
      <FieldSet label="Regions">
        <Stack direction="column" gap={2} alignItems="flex-start">
          <Text color="secondary">
            Each region’s Kubernetes API server holds its EtcdCluster and EtcdMonitor objects. The datasource keeps
            watches open to them; without a region there is no inventory and there are no inspections.
          </Text>
          {regions.length === 0 && (
            <Alert severity="info" title="No region yet: add the first one, then Save & test." bottomSpacing={0} />
          )}
          {regions.map((region, index) => (
            // Keyed with the count, so that no name typed for a removed region stays behind in the next one.
            <RegionFields
              key={`${regions.length}-${index}`}
              region={region}
              index={index}
              settings={settings}
              onChange={onOptionsChange}
              disabled={disabled}
            />
          ))}
          {!disabled && (
            <Button type="button" variant="secondary" icon="plus" onClick={() => onOptionsChange(addRegion(settings))}>
              Add region
            </Button>
          )}
        </Stack>
      </FieldSet>
      <ViewFields settings={settings} onChange={onOptionsChange} disabled={disabled} />
      <FieldSet label="Behaviour">
        <Field
          label="Who may run inspections"
          description="The role that Run now needs in the organisation of the user. Everybody else sees the button disabled, with the reason."
          disabled={disabled}
        >
          <RadioButtonGroup
            id="min-role"
            aria-label="Who may run inspections"
            options={roleOptions}
            value={jsonData.minRoleToRun ?? 'Editor'}
            onChange={(minRoleToRun) => setOption({ minRoleToRun })}
          />
        </Field>
        <Field
          label="Query timeout"
          description={`Seconds that a query may take, 1 to ${maxQueryTimeoutSeconds}; ${defaultQueryTimeoutSeconds} when empty.`}
          invalid={timeoutProblem(timeout) !== undefined}
          error={timeoutProblem(timeout)}
          disabled={disabled}
        >
          <Input
            id="query-timeout"
            type="number"
            min={1}
            max={maxQueryTimeoutSeconds}
            width={20}
            value={timeout ?? ''}
            placeholder={String(defaultQueryTimeoutSeconds)}
            onChange={({ currentTarget }) =>
              setOption({ queryTimeoutSeconds: currentTarget.value === '' ? undefined : currentTarget.valueAsNumber })
            }
          />
        </Field>
        <TextField
          id="time-interval"
          label="Scrape interval"
          description={`How often Prometheus scrapes etcd, for example 30s; ${defaultTimeInterval} when empty. $__rate_interval is at least four times that.`}
          value={jsonData.timeInterval ?? ''}
          placeholder={defaultTimeInterval}
          problem={durationProblem(jsonData.timeInterval ?? '')}
          disabled={disabled}
          onChange={(timeInterval) => setOption({ timeInterval: timeInterval || undefined })}
        />
      </FieldSet>
    </>
  );
}
