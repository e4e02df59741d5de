// Package labbin finds the real programs that tests run: etcd, kube-apiserver and the others that the lab builds.
package labbin

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// EtcdVersion is the version that the lab runs, the program etcd.
	EtcdVersion = "3.6"

	// debianEtcd is the version that is not built but comes from Debian 12: its module does not declare what it needs.
	debianEtcd = "3.4"
)

// EtcdVersions are the versions of etcd against which inspections are tested.
var EtcdVersions = []string{"3.4", "3.5", EtcdVersion, "3.7"}

// ErrNoEtcd says that this machine has no etcd 3.4 and that none can be built.
var ErrNoEtcd = errors.New("there is no etcd 3.4 here")

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

// Etcd returns the etcd program of one of EtcdVersions; "" means EtcdVersion. The error says how to build it, or is
// ErrNoEtcd.
func Etcd(version string) (string, error) {
	name := "etcd"
	if version != "" && version != EtcdVersion {
		name += "-" + version
	}
	dir, err := Dir(name)
	switch {
	case err == nil:
		return filepath.Join(dir, name), nil
	case version == debianEtcd:
		return installedEtcd(version)
	default:
		return "", err
	}
}

// installedEtcd finds Debian's etcd where the package is installed.
func installedEtcd(version string) (string, error) {
	if path, err := exec.LookPath("etcd"); err == nil {
		said, err := exec.Command(path, "--version").Output() //nolint:noctx // returns at once
		if err == nil && strings.HasPrefix(string(said), "etcd Version: "+version+".") {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: npm run verify fetches it from Debian 12 where apt is there; or put the program at .lab/bin/etcd-%s", ErrNoEtcd, version)
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
