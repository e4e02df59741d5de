// Package plugintest builds the datasource's binary for tests, as it is in the working tree.
package plugintest

import (
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// Build builds the binary into dir and returns its path.
func Build(dir string) (string, error) {
	source, err := labbin.RepositoryPath("pkg")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "gpx_etcdfleet_datasource")
	build := exec.Command("go", "build", "-tags", "arrow_json_stdlib", "-o", binary, ".") //nolint:noctx // the test's own time limit ends it
	build.Dir = source
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the plugin: %w\n%s", err, output)
	}
	return binary, nil
}
