// Package apitest gives tests a real Kubernetes API server with the project's CRDs.
//
// A package that needs one has
//
//	func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }
//
// All its tests share the server, each in namespaces of its own.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute

	// bufferSize is how much of a manifest is read to distinguish YAML from JSON.
	bufferSize = 4096
)

// Scheme knows Kubernetes' own objects and the project's.
var Scheme = runtime.NewScheme()

func init() {
	utilruntime.Must(clientgoscheme.AddToScheme(Scheme))
	utilruntime.Must(etcdv1beta1.AddToScheme(Scheme))
}

// server is what Main started.
var server *envtest.Environment

// Main starts the API server, runs the package's tests, stops it, and returns the exit code.
func Main(m *testing.M) int {
	if !testproc.NeedsServers() {
		return m.Run()
	}
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the API server:", err)
		return 1
	}
	return code
}

func start() error {
	binaries, err := labbin.Dir("etcd", "kube-apiserver")
	if err != nil {
		return err
	}
	crds, err := labbin.RepositoryPath("deploy", "crds")
	if err != nil {
		return err
	}
	server = &envtest.Environment{
		Scheme:                   Scheme,
		BinaryAssetsDirectory:    binaries,
		CRDDirectoryPaths:        []string{crds},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}
	if _, err := server.Start(); err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	return nil
}

// Config returns the configuration of a client that may do everything.
func Config() *rest.Config {
	return rest.CopyConfig(server.Config)
}

// Kubeconfig writes the configuration of Config to a file, for programs, and returns its path.
func Kubeconfig(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	require.NoError(tb, os.WriteFile(path, server.KubeConfig, 0o600))
	return path
}

// User returns the configuration of a client that is the named user, with no rights but those bound to that name.
func User(tb testing.TB, name string) *rest.Config {
	tb.Helper()
	user, err := server.AddUser(envtest.User{Name: name}, nil)
	require.NoError(tb, err)
	return user.Config()
}

// Client returns a client that may do everything and reads from the server, not from a cache.
func Client(tb testing.TB) client.WithWatch {
	tb.Helper()
	c, err := client.NewWithWatch(server.Config, client.Options{Scheme: Scheme})
	require.NoError(tb, err)
	return c
}

// Namespace creates a namespace that no other test uses and returns its name.
func Namespace(tb testing.TB) string {
	tb.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	require.NoError(tb, Client(tb).Create(context.Background(), namespace))
	return namespace.Name
}

// StartManager runs a manager that sees one namespace, with what setup adds to it, until the test ends or stop is called.
// Several may run at once. adapt changes the manager's options.
func StartManager(
	tb testing.TB, config *rest.Config, namespace string, setup func(context.Context, ctrl.Manager) error,
	adapt ...func(*ctrl.Options),
) (stop func()) {
	tb.Helper()
	skipNameValidation := true
	options := ctrl.Options{
		Scheme:     Scheme,
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: ctrlconfig.Controller{SkipNameValidation: &skipNameValidation},
	}
	for _, change := range adapt {
		change(&options)
	}
	mgr, err := ctrl.NewManager(config, options)
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(tb, setup(ctx, mgr))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(tb, <-ended)
	})
	tb.Cleanup(stop)
	return stop
}

// Apply applies the objects of a manifest of the repository, for example deploy/rbac/datasource.yaml, as kubectl does: those
// that name no namespace of their own, if there are any, in the one that is given. They are deleted when the test ends, but
// for Namespaces, which nothing here can empty.
func Apply(tb testing.TB, manifest string, namespace ...string) {
	tb.Helper()
	path, err := labbin.RepositoryPath(manifest)
	require.NoError(tb, err)
	file, err := os.Open(path)
	require.NoError(tb, err)
	defer func() { _ = file.Close() }()
	c := Client(tb)
	decoder := yaml.NewYAMLOrJSONDecoder(file, bufferSize)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(tb, err)
		namespaced, err := c.IsObjectNamespaced(&object)
		require.NoError(tb, err)
		if namespaced && object.GetNamespace() == "" {
			require.NotEmptyf(tb, namespace, "%s %s needs a namespace", object.GetKind(), object.GetName())
			object.SetNamespace(namespace[0])
		}
		apply := client.ApplyConfigurationFromUnstructured(object.DeepCopy())
		require.NoError(tb, c.Apply(context.Background(), apply, client.FieldOwner("apitest"), client.ForceOwnership))
		if object.GetKind() != "Namespace" {
			tb.Cleanup(func() { _ = c.Delete(context.Background(), &object) })
		}
	}
}
