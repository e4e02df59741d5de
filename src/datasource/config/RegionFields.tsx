import { Alert, Box, Button, CollapsableSection, Text } from '@grafana/ui';
import React, { useState } from 'react';

import {
  hidesInternals,
  type RegionOptions,
  type RegionSecret,
  regionSecretKey,
  regionsOf,
  removeRegion,
  renameRegion,
  storedSecrets,
  updateRegion,
} from '../settings';
import {
  keyPairProblem,
  otherNames,
  regionNameProblem,
  regionUrlExample,
  regionUrlProblem,
  secretUrlProblem,
} from './problems';
import { SecretField, type SecretFormProps } from './SecretField';
import { TextField } from './TextField';

interface Props extends SecretFormProps {
  region: RegionOptions;
  index: number;
}

/** One region's API server: where it is and how the datasource authenticates there. */
export function RegionFields(props: Props) {
  const { region, index, settings, onChange, disabled } = props;
  const id = `region-${index}`;
  const title = region.name === '' ? `Region ${index + 1}` : `Region ${region.name}`;
  // Many regions are a long page: complete ones start collapsed.
  const [isOpenAtFirst] = useState(region.url === '' || regionsOf(settings).length === 1);
  const set = (change: Partial<RegionOptions>) => onChange(updateRegion(settings, index, change));

  return (
    <Box borderStyle="solid" borderColor="medium" padding={2} width="100%">
      <CollapsableSection label={title} isOpen={isOpenAtFirst} unmountContentWhenClosed={false}>
        <NameField {...props} />
        <TextField
          id={`${id}-url`}
          label="API URL"
          description="The address of the region’s etcd-apiserver, as Grafana’s server reaches it: clusters[].cluster.server in its kubeconfig."
          placeholder={regionUrlExample}
          value={region.url}
          required={!hidesInternals(settings)}
          problem={regionUrlProblem(settings, region)}
          disabled={disabled}
          onChange={(url) => set({ url })}
        />
        {hidesInternals(settings) && (
          <SecretField
            settings={settings}
            onChange={onChange}
            disabled={disabled || region.name === ''}
            secret={regionSecretKey(region.name, 'url')}
            label="Secret API URL"
            description="The API URL where internals are hidden: only the backend can read it."
            placeholder={regionUrlExample}
            problem={secretUrlProblem(settings, regionSecretKey(region.name, 'url'), regionUrlExample)}
          />
        )}
        <TextField
          id={`${id}-namespace`}
          label="Namespace"
          description="The namespace to watch. Empty: all, which the account needs cluster-wide rights for."
          placeholder="all namespaces"
          value={region.namespace ?? ''}
          disabled={disabled}
          onChange={(namespace) => set({ namespace })}
        />
        <Credentials {...props} />
        <TextField
          id={`${id}-server-name`}
          label="Server name"
          description="The name in the API server’s certificate, when it is not the URL’s host."
          placeholder="kubernetes.default.svc"
          value={region.serverName ?? ''}
          disabled={disabled}
          onChange={(serverName) => set({ serverName })}
        />
        {!disabled && (
          <Button
            type="button"
            variant="destructive"
            fill="outline"
            icon="trash-alt"
            aria-label={`Remove ${title.toLowerCase()}`}
            onClick={() => onChange(removeRegion(settings, index))}
          >
            Remove region
          </Button>
        )}
      </CollapsableSection>
    </Box>
  );
}

/** The name is taken over when the field is left, because the secrets are stored under it. */
function NameField({ region, index, settings, onChange, disabled }: Props) {
  const [draft, setDraft] = useState(region.name);
  const [cleared, setCleared] = useState<string>();
  const problem = regionNameProblem(draft, otherNames(settings, region));
  const stored = storedSecrets(settings, region.name).length > 0;

  const takeOver = () => {
    if (problem !== undefined || draft === region.name) {
      return;
    }
    setCleared(stored ? region.name : undefined);
    onChange(renameRegion(settings, index, draft));
  };

  return (
    <>
      <TextField
        id={`region-${index}-name`}
        label="Name"
        description="Equal to the label region of the region’s series."
        placeholder="gz"
        value={draft}
        required
        problem={problem}
        disabled={disabled}
        onChange={setDraft}
        onBlur={takeOver}
      />
      {stored && draft !== region.name && (
        <Text color="warning" element="p">
          Renaming clears the region’s stored secrets: have them at hand.
        </Text>
      )}
      {cleared !== undefined && (
        <Alert
          severity="warning"
          title={`The secrets of ${cleared} are cleared: enter those of ${region.name} below, then save.`}
          onRemove={() => setCleared(undefined)}
        />
      )}
    </>
  );
}

function Credentials({ region, settings, onChange, disabled }: Props) {
  const keyOf = (secret: RegionSecret) => regionSecretKey(region.name, secret);
  // Secrets are stored under the region's name, so it comes first.
  const form = { settings, onChange, disabled: disabled || region.name === '' };
  return (
    <>
      <SecretField
        {...form}
        secret={keyOf('token')}
        label="Token"
        description="A bearer token of an account with the rights of deploy/rbac/datasource.yaml: get, list, watch on etcdclusters and etcdmonitors; patch on etcdmonitors and create on events to run inspections. kubectl --namespace etcd-fleet create token etcdfleet-datasource prints one."
        placeholder="eyJhbGciOi…"
      />
      <SecretField
        {...form}
        secret={keyOf('caCert')}
        pem="CERTIFICATE"
        label="CA certificate"
        description="PEM text of the authority that signed the API server’s certificate: certificate-authority in its kubeconfig. Empty: the system’s authorities. Certificates are always verified."
      />
      <SecretField
        {...form}
        secret={keyOf('clientCert')}
        pem="CERTIFICATE"
        label="Client certificate"
        description="PEM text, instead of a token."
      />
      <SecretField
        {...form}
        secret={keyOf('clientKey')}
        pem="PRIVATE KEY"
        label="Client key"
        description="PEM text of the client certificate’s private key."
        problem={keyPairProblem(settings, keyOf('clientCert'), keyOf('clientKey'))}
      />
    </>
  );
}
