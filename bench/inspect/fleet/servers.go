package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const (
	namespace = "gz"

	startTimeout = 2 * time.Minute

	// creators is the number of objects that are created concurrently.
	creators = 32
)

// saveCores makes the servers that are started next use more memory and less CPU: there is enough memory, but they
// share the cores with the measured programs.
func saveCores(procs int) (restore func()) {
	variables := map[string]string{"GOGC": "400", "GOMAXPROCS": strconv.Itoa(procs)}
	for name, value := range variables {
		_ = os.Setenv(name, value) // fails for invalid names only
	}
	return func() {
		for name := range variables {
			_ = os.Unsetenv(name)
		}
	}
}

// api is the Kubernetes API server with the fleet's objects.
type api struct {
	environment *envtest.Environment
	client      client.Client
	kubeconfig  []byte
}

func startAPI(binaries string) (*api, error) {
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
	config, err := environment.Start()
	if err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	config.QPS = -1 // no limit
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return &api{environment: environment, client: c, kubeconfig: environment.KubeConfig}, nil
}

func (a *api) stop() { _ = a.environment.Stop() }

// create creates the fleet's objects. Each EtcdCluster is one of the real clusters with its own name.
func (a *api) create(ctx context.Context, o options, real []*servers.Cluster) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := a.client.Create(ctx, object); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range o.clusters {
		group.Go(func() error {
			id := fmt.Sprintf("gz-etcd-%05d", i)
			if err := a.client.Create(ctx, etcdCluster(id, real[i%len(real)].Members)); err != nil {
				return err
			}
			for _, check := range o.checks {
				if err := a.client.Create(ctx, etcdMonitor(id, check, o.interval)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func etcdCluster(id string, members []etcdv1beta1.EtcdClusterMember) *etcdv1beta1.EtcdCluster {
	return &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: id},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business",
			Specification: etcdv1beta1.SpecificationDefault, Size: 3, Members: members,
		},
	}
}

func etcdMonitor(id, check string, interval time.Duration) *etcdv1beta1.EtcdMonitor {
	return &etcdv1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: id + "-" + check},
		Spec: etcdv1beta1.EtcdMonitorSpec{
			ClusterID: id, MetricName: check, MetricProviderName: "cruiser", Name: id, ProductName: "tke", Region: "gz",
			Interval: &metav1.Duration{Duration: interval},
		},
	}
}
