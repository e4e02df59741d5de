// Package labbin finds the real programs that tests run: etcd, kube-apiserver and the others that the lab builds.
package labbin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Dir returns the folder that holds all the named programs: the one that the environment variable ETCDFLEET_BIN names,
// by default .lab/bin of the repository. The error says how to build what is missing.
func Dir(programs ...string) (string, error) {
	dir := os.Getenv("ETCDFLEET_BIN")
	if dir == "" {
		root, err := repositoryRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".lab", "bin")
	}
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return "", fmt.Errorf("find the test program %s: %w: run npm run lab -- build", program, err)
		}
	}
	return dir, nil
}

// RepositoryPath returns the path of a file of the repository, for example deploy/crds.
func RepositoryPath(elements ...string) (string, error) {
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{root}, elements...)...), nil
}

// repositoryRoot is the nearest folder with a go.mod, from the working directory upwards: tests run in their package's.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find the repository: no folder above the working directory has a go.mod")
		}
	}
}
