package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/internal/pluginhost"
)

// provisioned is an entry of a provisioning file as Grafana reads it.
type provisioned struct {
	Name           string            `json:"name"`
	UID            string            `json:"uid"`
	Type           string            `json:"type"`
	URL            string            `json:"url"`
	User           string            `json:"user"`
	BasicAuth      bool              `json:"basicAuth"`
	BasicAuthUser  string            `json:"basicAuthUser"`
	JSONData       json.RawMessage   `json:"jsonData"`
	SecureJSONData map[string]string `json:"secureJsonData"`
}

// readDatasource returns the settings of the fleet's datasource in a provisioning file with all variables expanded, and
// the names of variables that are not set. As in Grafana, these are empty, and the datasource validates the settings.
func readDatasource(path string, environment func(string) (string, bool)) (*backend.DataSourceInstanceSettings, []string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the datasource: %w: name a provisioning file with --datasource", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the datasource: %w", err)
	}
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return nil, nil, fmt.Errorf("read the datasource from %s: %w", path, err)
	}
	variables := &variables{environment: environment}
	filled, err := json.Marshal(variables.fill(tree))
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(variables.unreadable...); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var file struct{ Datasources []provisioned }
	if err := json.Unmarshal(filled, &file); err != nil {
		return nil, nil, fmt.Errorf("read the datasource from %s: %w", path, err)
	}
	at := slices.IndexFunc(file.Datasources, func(d provisioned) bool { return d.Type == pluginhost.PluginID })
	if at < 0 {
		return nil, nil, fmt.Errorf("%s has no datasource of the type %s", path, pluginhost.PluginID)
	}
	entry := file.Datasources[at]
	if entry.UID == "" {
		entry.UID = "fleet"
	}
	return &backend.DataSourceInstanceSettings{
		ID: 1, UID: entry.UID, Name: entry.Name, Type: entry.Type, URL: entry.URL, User: entry.User,
		BasicAuthEnabled: entry.BasicAuth, BasicAuthUser: entry.BasicAuthUser,
		JSONData: entry.JSONData, DecryptedSecureJSONData: entry.SecureJSONData, Updated: info.ModTime(),
	}, variables.unset, nil
}

// variable is $NAME, ${NAME}, $__env{NAME}, $__file{path} or $$, as Grafana writes them.
var variable = regexp.MustCompile(`\$\$|\$__env\{([^}]*)\}|\$__file\{([^}]*)\}|\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// variables expands the variables of a file and collects those without a value.
type variables struct {
	environment func(string) (string, bool)
	unset       []string
	unreadable  []error
}

func (v *variables) fill(node any) any {
	switch value := node.(type) {
	case string:
		return v.expand(value)
	case []any:
		for i := range value {
			value[i] = v.fill(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = v.fill(value[key])
		}
	}
	return node
}

func (v *variables) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		groups := variable.FindStringSubmatch(found)
		switch {
		case found == "$$":
			return "$"
		case strings.HasPrefix(found, "$__file{"):
			content, err := os.ReadFile(groups[2])
			if err != nil {
				v.unreadable = append(v.unreadable, err)
			}
			return strings.TrimSpace(string(content))
		}
		name := groups[1] + groups[3] + groups[4]
		value, ok := v.environment(name)
		if !ok && !slices.Contains(v.unset, name) {
			v.unset = append(v.unset, name)
			slices.Sort(v.unset)
		}
		return value
	})
}
