package datasource

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Whatever is wrong with one region, it says so by itself, with the field; its neighbour and the datasource do not.
func TestTheTroubleOfOneRegionIsItsOwn(t *testing.T) {
	region := func(values map[string]any) any { return values }
	for _, c := range []struct {
		name    string
		region  any
		secrets map[string]string
		called  string
		wrong   string
	}{
		{"a name that is no label", region(map[string]any{"name": "SH", "url": "https://sh"}), nil, "jsonData.regions[1]", `jsonData.regions[1].name: "SH" is not a DNS label`},
		{"no name", region(map[string]any{"url": "https://sh"}), nil, "jsonData.regions[1]", "jsonData.regions[1].name: it is empty"},
		{"a name that was not filled in", region(map[string]any{"name": "${REGION}", "url": "https://sh"}), nil, "jsonData.regions[1]", "jsonData.regions[1].name: it is a placeholder"},
		{"its neighbour's name", region(map[string]any{"name": "gz", "url": "https://sh"}), nil, "jsonData.regions[1]", `jsonData.regions[1].name: there is a region "gz" already`},
		{"an empty URL", region(map[string]any{"name": "sh", "url": ""}), nil, "sh", "jsonData.regions[1].url: it is empty: enter it, or set the environment variable"},
		{"no URL", region(map[string]any{"name": "sh"}), nil, "sh", "jsonData.regions[1].url: it is empty"},
		{"null for the URL", region(map[string]any{"name": "sh", "url": nil}), nil, "sh", "jsonData.regions[1].url: it is empty"},
		{"a URL that was not filled in", region(map[string]any{"name": "sh", "url": "https://${SH_HOST}:6443"}), nil, "sh", "jsonData.regions[1].url: it is a placeholder"},
		{"a URL without scheme", region(map[string]any{"name": "sh", "url": "sh:6443"}), nil, "sh", "jsonData.regions[1].url: enter an address with its scheme"},
		{"a token in clear text", region(map[string]any{"name": "sh", "url": "http://10.0.0.1:6443"}), nil, "sh", "jsonData.regions[1].url: begin it with https://"},
		{"a password in the URL", region(map[string]any{"name": "sh", "url": "https://me:secret@sh"}), nil, "sh", "jsonData.regions[1].url: credentials do not belong into a URL"},
		{"a namespace that is none", region(map[string]any{"name": "sh", "url": "https://sh", "namespace": "a/b"}), nil, "sh", `jsonData.regions[1].namespace: "a/b"`},
		{"a server name that was not filled in", region(map[string]any{"name": "sh", "url": "https://sh", "serverName": "$__env{SH_NAME}"}), nil, "sh", "jsonData.regions[1].serverName: it is a placeholder"},
		{"a number for the URL", region(map[string]any{"name": "sh", "url": 5}), nil, "sh", "jsonData.regions[1]: url must not be a number"},
		{"null", nil, nil, "jsonData.regions[1]", "jsonData.regions[1].name: it is empty"},
		{"a text", "sh", nil, "jsonData.regions[1]", "jsonData.regions[1]: must not be a string"},
		{"a list", []any{}, nil, "jsonData.regions[1]", "jsonData.regions[1]: must not be an array"},
		{"no token", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.token": ""}, "sh", `secureJsonData["sh.token"]: give region sh a token`},
		{"a token that was not filled in", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.token": "$SH_TOKEN"}, "sh", `secureJsonData["sh.token"]: it is a placeholder`},
		{"a token of two lines", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.token": "secret\nsecret"}, "sh", `secureJsonData["sh.token"]: a token has neither blanks`},
		{"a CA that is no PEM", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.caCert": "secret"}, "sh", `secureJsonData["sh.caCert"]: this is no PEM text of a certificate`},
		{"a CA that was not filled in", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.caCert": "$__file{/missing}"}, "sh", `secureJsonData["sh.caCert"]: it is a placeholder`},
		{"a certificate without its key", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.clientCert": "secret"}, "sh", `secureJsonData["sh.clientCert"]: a client certificate and its key are of use only together`},
		{"a certificate that is no PEM", region(map[string]any{"name": "sh", "url": "https://sh"}), map[string]string{"sh.clientCert": "secret", "sh.clientKey": "secret"}, "sh", `secureJsonData["sh.clientCert"]: the client certificate and its key do not fit`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := instance(t, map[string]any{"regions": []any{map[string]any{"name": "gz", "url": "https://gz"}, c.region}})
			wrong.DecryptedSecureJSONData["sh.token"] = "secret"
			for key, secret := range c.secrets {
				wrong.DecryptedSecureJSONData[key] = secret
			}
			parsed, err := parseSettings(wrong)
			require.NoError(t, err)
			require.Len(t, parsed.regions, 2)
			require.NoError(t, parsed.regions[0].Problem)
			require.Equal(t, c.called, parsed.regions[1].Name)
			require.ErrorContains(t, parsed.regions[1].Problem, c.wrong)
			require.NotContains(t, parsed.regions[1].Problem.Error(), "secret\n")
			require.NotContains(t, parsed.regions[1].Problem.Error(), "me:secret")
		})
	}
	for name, regions := range map[string]any{"an object": map[string]any{}, "a text": "gz", "a number": 1} {
		t.Run("regions are "+name, func(t *testing.T) {
			parsed, err := parseSettings(instance(t, map[string]any{"regions": regions}))
			require.NoError(t, err)
			require.Len(t, parsed.regions, 1)
			require.ErrorContains(t, parsed.regions[0].Problem, "jsonData.regions: must be a list")
		})
	}
}

// The empty variables of a provisioning file are the usual case: one region of two is filled in.
func TestOneRegionOfTwoWithEmptySettingsLeavesTheOtherWorking(t *testing.T) {
	empty := func(jsonData map[string]any, settings *backend.DataSourceInstanceSettings) {
		jsonData["regions"].([]map[string]any)[1]["url"] = ""
		settings.DecryptedSecureJSONData["sh.token"] = ""
		settings.DecryptedSecureJSONData["sh.caCert"] = ""
	}
	created, err := New(t.Context(), fleetSettings(t, empty))
	require.NoError(t, err)
	d, ok := created.(*Datasource)
	require.True(t, ok, "the datasource as a whole works")
	t.Cleanup(d.Dispose)

	const reason = "Its settings are wrong. jsonData.regions[1].url: it is empty"
	frame := eventually(t, d, map[string]any{"kind": "clusters"}, isLive("gz"))
	require.Equal(t, 3, frame.Rows())
	require.Equal(t, "failed", string(regionOf(frame, "sh").State))
	require.Len(t, frame.Meta.Notices, 1)
	require.Equal(t, data.NoticeSeverityError, frame.Meta.Notices[0].Severity)
	require.Contains(t, frame.Meta.Notices[0].Text, "Region sh is missing. "+reason)
	require.NotEmpty(t, rowsOf(askTable(t, d, map[string]any{"kind": "inspections"})))
	require.NoError(t, ask(t, d, map[string]any{"kind": "promql", "mode": "instant", "expr": "up"}).Error)

	health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	require.Equal(t, backend.HealthStatusError, health.Status)
	require.Contains(t, health.Message, "sh: "+reason)
	var details healthDetails
	require.NoError(t, json.Unmarshal(health.JSONDetails, &details))
	for _, entry := range details.Checks {
		require.Equal(t, entry.Name != "sh", entry.OK, entry.Message)
	}

	accepted := call(t, d, editor, "POST", "inspections/run", "application/json", `{"region": "gz", "cluster": "gz-2", "check": "etcd-node-key-diff"}`)
	require.Equal(t, 202, accepted.status, accepted.raw)
	refused := call(t, d, editor, "POST", "inspections/run", "application/json", `{"region": "sh", "cluster": "sh-1", "check": "etcd-node-key-diff"}`)
	require.Equal(t, 503, refused.status, refused.raw)
	require.Contains(t, refused.body["message"], reason)
}

func TestWithoutRegionsTheTablesSaySo(t *testing.T) {
	none := func(jsonData map[string]any, _ *backend.DataSourceInstanceSettings) { jsonData["regions"] = nil }
	d := newFleet(t, none)
	for _, kind := range []string{"clusters", "inspections"} {
		frame := askTable(t, d, map[string]any{"kind": kind})
		require.Len(t, frame.Meta.Notices, 1)
		require.Contains(t, frame.Meta.Notices[0].Text, "No region is configured")
	}
	health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	require.Equal(t, backend.HealthStatusOk, health.Status)
	require.Contains(t, health.Message, "Regions: none is configured: add one")
}

// A second object with the ID of a healthy cluster, and one of a foreign region, change nothing of their neighbours.
func TestObjectsThatAreNotShownAreNamed(t *testing.T) {
	d := newFleet(t)
	query := map[string]any{"kind": "clusters", "sort": "cluster"}
	before := rowsOf(eventually(t, d, query, isLive("gz", "sh")))

	bogus, foreign := etcdCluster("gz", "other", "other", "small", "gz-1"), etcdCluster("gz", "tke", "business", "small", "gz-7")
	bogus.Name = "zz-bogus"
	bogus.Spec.Members = bogus.Spec.Members[:1]
	foreign.Spec.Region = "bj"
	for _, object := range []*v1beta1.EtcdCluster{bogus, foreign} {
		require.NoError(t, gz.Admin.Create(t.Context(), object))
		t.Cleanup(func() { require.NoError(t, gz.Admin.Delete(context.Background(), object)) })
	}
	noticed := func(frame *data.Frame) bool { return len(frame.Meta.Notices) == 2 }
	frame := eventually(t, d, query, noticed)
	for i, row := range rowsOf(frame) {
		require.Equal(t, before[i]["cluster"], row["cluster"])
		require.Equal(t, before[i]["product"], row["product"])
	}
	require.Equal(t, len(before), frame.Rows())
	require.Equal(t, "Region gz: the EtcdCluster gz/gz-7 with the ID gz-7 is left out. Its region bj is not that of this API server, gz. "+
		"Correct spec.region, or the region's name in the datasource's settings.", frame.Meta.Notices[0].Text)
	require.Equal(t, "Region gz: the EtcdCluster gz/zz-bogus with the ID gz-1 is left out. gz/gz-1 has the same ID. "+
		"Give this one an ID of its own, or delete it.", frame.Meta.Notices[1].Text)
	eventually(t, d, map[string]any{"kind": "inspections"}, noticed)

	health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	require.Equal(t, backend.HealthStatusOk, health.Status)
	require.Contains(t, health.Message, "the EtcdCluster gz/gz-7 is left out: Its region bj")
}
