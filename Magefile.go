//go:build mage

package main

import (
	// mage:import
	build "github.com/grafana/grafana-plugin-sdk-go/build"
)

// Default configures the default target.
var Default = build.BuildAll

// The SDK finds the datasource nested in the app by itself. Without paths of the machine, builds of one commit are alike
// on all machines.
var _ = build.SetBeforeBuildCallback(func(cfg build.Config) (build.Config, error) {
	if cfg.Env != nil {
		cfg.Env["GOFLAGS"] = "-trimpath"
	}
	return cfg, nil
})
