package datasource

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// regionJSON is an element of jsonData.regions.
type regionJSON struct {
	Name       string `json:"name"`
	URL        string `json:"url"`
	Namespace  string `json:"namespace"`
	ServerName string `json:"serverName"`
}

var (
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

	// placeholder is a variable of a provisioning file that nothing has replaced.
	placeholder = regexp.MustCompile(`\$\{[^{}]*\}|\$__[a-z]+\{[^{}]*\}|^\$[A-Z_][A-Z0-9_]*$`)

	errEmpty       = errors.New("it is empty: enter it, or set the environment variable that the provisioning file names")
	errPlaceholder = errors.New("it is a placeholder that was not filled in: set the environment variable that it names, and restart Grafana")
)

// parseRegions reads jsonData.regions. Each element becomes a region, so that what is wrong with one leaves the others
// working; that one says what is wrong.
//
// Grafana shows jsonData to everybody who may query the datasource: where internals are hidden, addresses are secrets.
func parseRegions(raw json.RawMessage, secrets map[string]string, hidesInternals bool) []inventory.RegionConfig {
	var elements []json.RawMessage
	if len(raw) > 0 {
		if json.Unmarshal(raw, &elements) != nil {
			const field = "jsonData.regions"
			return []inventory.RegionConfig{{Name: field, Problem: fieldProblem(field, "must be a list with an entry for each region")}}
		}
	}
	configs := make([]inventory.RegionConfig, len(elements))
	for i, element := range elements {
		field := fmt.Sprintf("jsonData.regions[%d]", i)
		config, problems := parseRegion(field, element, secrets)
		if plain := plainURLOf(element); plain != "" && hidesInternals {
			problems = append(problems, fieldProblem(field+".url", fmt.Sprintf("remove it, and enter it as secureJsonData[%.80q]: Grafana shows jsonData to everybody who may query the datasource", config.Name+".url")))
		}
		if slices.ContainsFunc(configs[:i], func(other inventory.RegionConfig) bool { return other.Name == config.Name }) {
			problems = append(problems, fieldProblem(field+".name", fmt.Sprintf("there is a region %q already: each name may be used once", config.Name)))
			config.Name = field // the name stays the first one's
		}
		config.Problem = errors.Join(problems...)
		configs[i] = config
	}
	return configs
}

// parseRegion returns a region with everything that is wrong with it. One without a usable name is called by its place.
func parseRegion(field string, element json.RawMessage, secrets map[string]string) (inventory.RegionConfig, []error) {
	var region regionJSON
	if err := json.Unmarshal(element, &region); err != nil {
		name := field
		if checkName(region.Name) == nil { // what follows a wrong type is decoded nevertheless
			name = region.Name
		}
		return inventory.RegionConfig{Name: name}, []error{fieldProblem(field, jsonProblem(err))}
	}
	config := inventory.RegionConfig{
		Name:       region.Name,
		URL:        strings.TrimSuffix(cmp.Or(region.URL, strings.TrimSpace(secrets[region.Name+".url"])), "/"),
		Namespace:  region.Namespace,
		ServerName: region.ServerName,
		Token:      strings.TrimSpace(secrets[region.Name+".token"]),
		CACert:     secrets[region.Name+".caCert"],
		ClientCert: secrets[region.Name+".clientCert"],
		ClientKey:  secrets[region.Name+".clientKey"],
	}
	problems := append(addressProblems(field, config), credentialProblems(config)...)
	if err := checkName(config.Name); err != nil {
		config.Name = field
		return config, append([]error{fieldProblem(field+".name", err.Error())}, problems...)
	}
	return config, problems
}

// plainURLOf is the address in jsonData.
func plainURLOf(element json.RawMessage) string {
	var region regionJSON
	_ = json.Unmarshal(element, &region) // parseRegion says what is wrong with it
	return region.URL
}

func checkName(name string) error {
	if err := checkFilledIn(name); err != nil {
		return err
	}
	if !dnsLabel.MatchString(name) {
		return fmt.Errorf("%.80q is not a DNS label: enter the value of the label region of its series, for example gz", name)
	}
	return nil
}

func fieldProblem(field, message string) error { return fmt.Errorf("%s: %s", field, message) }

// addressProblems says what is wrong with where a region is.
func addressProblems(field string, config inventory.RegionConfig) []error {
	var problems []error
	if placeholder.MatchString(config.ServerName) {
		problems = append(problems, fieldProblem(field+".serverName", errPlaceholder.Error()))
	}
	if config.Namespace != "" && !dnsLabel.MatchString(config.Namespace) {
		problems = append(problems, fieldProblem(field+".namespace", fmt.Sprintf("%.80q is not a valid name of a namespace", config.Namespace)))
	}
	address, err := parseURL(config.URL)
	if err != nil {
		return append(problems, fmt.Errorf("%s.url: %w", field, err))
	}
	if address.Scheme == "https" && config.Token == "" && config.ClientCert == "" {
		problems = append(problems, fieldProblem(secretField(config, "token"),
			fmt.Sprintf("give region %s a token, or a client certificate and key; in a provisioning file, set the environment variable that it names", config.Name)))
	}
	if address.Scheme == "http" && !isLoopback(address.Hostname()) {
		problems = append(problems, fieldProblem(field+".url", "begin it with https://: only an API server on the same machine may be reached without TLS"))
	}
	return problems
}

// credentialProblems says what is wrong with a region's secrets, without a word of their text.
func credentialProblems(config inventory.RegionConfig) []error {
	var problems []error
	wrong := func(secret, message string) {
		problems = append(problems, fieldProblem(secretField(config, secret), message))
	}
	for secret, text := range map[string]string{"token": config.Token, "caCert": config.CACert, "clientCert": config.ClientCert, "clientKey": config.ClientKey} {
		if placeholder.MatchString(strings.TrimSpace(text)) {
			wrong(secret, errPlaceholder.Error())
		}
	}
	if problems != nil {
		slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return problems
	}
	if strings.ContainsFunc(config.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong("token", "a token has neither blanks, line breaks nor characters beyond ASCII: paste the token alone")
	}
	if config.CACert != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(config.CACert)) {
		wrong("caCert", "this is no PEM text of a certificate: paste the whole file, from -----BEGIN CERTIFICATE to -----END")
	}
	if (config.ClientCert == "") != (config.ClientKey == "") {
		wrong("clientCert", "a client certificate and its key are of use only together")
	} else if _, err := tls.X509KeyPair([]byte(config.ClientCert), []byte(config.ClientKey)); err != nil && config.ClientCert != "" {
		wrong("clientCert", fmt.Sprintf("the client certificate and its key do not fit: %v", err))
	}
	return problems
}

func secretField(config inventory.RegionConfig, secret string) string {
	return fmt.Sprintf("secureJsonData[%.80q]", config.Name+"."+secret)
}

// checkFilledIn refuses what a provisioning file leaves behind when its environment lacks a variable.
func checkFilledIn(text string) error {
	switch {
	case text == "":
		return errEmpty
	case placeholder.MatchString(text):
		return errPlaceholder
	}
	return nil
}
