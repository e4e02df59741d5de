import { Box, Field, FieldSet, TagsInput, Text } from '@grafana/ui';
import React from 'react';

import { dimensions } from '../scope';
import { type FixedScope, fixedScopeOf, hidesInternals, isLimited, setFixedValues } from '../settings';
import { fixedRegionProblem, type Problem } from './problems';
import type { SecretFormProps } from './SecretField';
import { SwitchField } from './SwitchField';

const labels: Record<keyof FixedScope, string> = {
  region: 'Regions',
  product: 'Products',
  scene: 'Scenes',
  spec: 'Classes',
  cluster: 'Clusters',
};

const descriptions: Partial<Record<keyof FixedScope, string>> = {
  cluster: 'Each of these names, in each of the regions above.',
};

/** What the datasource shows to those who query it: all, or what a customer may see. */
export function ViewFields({ settings, onChange, disabled }: SecretFormProps) {
  const fixed = fixedScopeOf(settings);
  return (
    <FieldSet label="What it shows">
      <Box marginBottom={2}>
        <Text color="secondary" element="p">
          With exact values of labels, every query and resource is limited to the clusters that have them: whoever
          queries the datasource cannot widen it. Empty: all clusters. Users must not be able to query another
          datasource of the fleet, so give a customer an organisation of its own.
        </Text>
      </Box>
      {dimensions.map((field) => (
        <ValuesField
          key={field}
          field={field}
          values={fixed[field] ?? []}
          problem={field === 'region' ? fixedRegionProblem(settings) : undefined}
          disabled={disabled}
          onChange={(values) => onChange(setFixedValues(settings, field, values))}
        />
      ))}
      <SwitchField
        id="hide-internals"
        label="Hide internals"
        description={`On: no hosts, zones, members, addresses and messages of servers, and no runs of inspections. ${
          isLimited(settings) ? 'Leave it on for customers.' : 'A fixed scope switches it on.'
        }`}
        value={hidesInternals(settings)}
        disabled={disabled}
        onChange={(hideInternals) => onChange({ ...settings, jsonData: { ...settings.jsonData, hideInternals } })}
      />
    </FieldSet>
  );
}

interface ValuesProps {
  field: keyof FixedScope;
  values: string[];
  problem: Problem;
  disabled: boolean;
  onChange: (values: string[]) => void;
}

function ValuesField({ field, values, problem, disabled, onChange }: ValuesProps) {
  const id = `fixed-${field}`;
  return (
    <Field
      label={labels[field]}
      description={descriptions[field]}
      htmlFor={id}
      invalid={problem !== undefined}
      error={problem}
      disabled={disabled}
    >
      <TagsInput
        id={id}
        tags={values}
        placeholder={`All: type the value of the label ${field}, then Enter`}
        width={60}
        disabled={disabled}
        invalid={problem !== undefined}
        addOnBlur
        onChange={onChange}
      />
    </Field>
  );
}
