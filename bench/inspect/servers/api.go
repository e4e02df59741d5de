package servers

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const startTimeout = 2 * time.Minute

// API is a running Kubernetes API server with the project's CRDs and an etcd of its own.
type API struct {
	Client     client.Client
	Config     *rest.Config
	Kubeconfig []byte
	// EtcdURL is where the API server stores its objects.
	EtcdURL string

	environment *envtest.Environment
}

// StartAPI starts an API server. etcdFlags are further flags of its etcd, by name without dashes.
func StartAPI(etcdFlags map[string]string) (*API, error) {
	binaries, err := labbin.Dir("etcd", "kube-apiserver")
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := etcdv1beta1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	crds, err := labbin.RepositoryPath("deploy", "crds")
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		Scheme: scheme, BinaryAssetsDirectory: binaries, CRDDirectoryPaths: []string{crds},
		ControlPlaneStartTimeout: startTimeout, ControlPlaneStopTimeout: startTimeout,
	}
	// The history of half a million objects per day is not needed, and disk speed is not measured.
	environment.ControlPlane.GetAPIServer().Configure().Set("etcd-compaction-interval", "1m")
	etcd := &envtest.Etcd{}
	for name, value := range etcdFlags {
		etcd.Configure().Set(name, value)
	}
	environment.ControlPlane.Etcd = etcd
	config, err := environment.Start()
	if err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	config.QPS = -1 // no limit
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return &API{Client: c, Config: config, Kubeconfig: environment.KubeConfig, EtcdURL: etcd.URL.String(), environment: environment}, nil
}

// Stop stops the API server and its etcd.
func (a *API) Stop() { _ = a.environment.Stop() }
