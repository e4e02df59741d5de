package thanos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// Store is one of the servers that Thanos reads series from.
type Store struct {
	// Name is its address.
	Name string
	// Labels are the external labels of its series, for example {prometheus="gz"}.
	Labels string
	// Error is why Thanos has no contact to it; empty when it has.
	Error string
}

// Stores returns what Thanos reads from, sorted by name. A Prometheus server has no stores.
//
// Thanos leaves a lost store out of its answers without a warning (unless it is configured as a strict endpoint), so
// asking for the stores is the only way to know that answers are partial.
func (c *Client) Stores(ctx context.Context) ([]Store, error) {
	body, err := c.get(ctx, "stores")
	var answer *upstream.Answer
	if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var decoded struct {
		Data map[string][]struct {
			Name      string              `json:"name"`
			LastError json.RawMessage     `json:"lastError"`
			LabelSets []map[string]string `json:"labelSets"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &decoded); err != nil {
		return nil, c.otherJSON()
	}
	stores := []Store{}
	for _, component := range decoded.Data {
		for _, store := range component {
			stores = append(stores, Store{
				Name: upstream.Excerpt(store.Name), Labels: upstream.Excerpt(formatLabelSets(store.LabelSets)), Error: upstream.Excerpt(errorText(store.LastError)),
			})
		}
	}
	slices.SortFunc(stores, func(a, b Store) int { return strings.Compare(a.Name, b.Name) })
	return stores, nil
}

// errorText reads Thanos's lastError: null, a string, or the fields of an error.
func errorText(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return "unavailable"
}

func formatLabelSets(sets []map[string]string) string {
	formatted := make([]string, 0, len(sets))
	for _, set := range sets {
		formatted = append(formatted, FormatLabels(set))
	}
	return strings.Join(formatted, ", ")
}

// Version returns the server's version.
func (c *Client) Version(ctx context.Context) (string, error) {
	body, err := c.get(ctx, "status/buildinfo")
	if err != nil {
		return "", err
	}
	var decoded struct {
		Data struct {
			Version string `json:"version"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &decoded); err != nil {
		return "", c.otherJSON()
	}
	return upstream.Excerpt(decoded.Data.Version), nil
}
