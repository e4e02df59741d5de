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
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
)

const (
	namespace = "gz"

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

// create creates the fleet's objects. Each EtcdCluster is one of the real clusters with its own name.
func create(ctx context.Context, c client.Client, o options, real []*servers.Cluster) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := c.Create(ctx, object); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range o.clusters {
		group.Go(func() error {
			id := fmt.Sprintf("gz-etcd-%05d", i)
			if err := c.Create(ctx, etcdCluster(id, real[i%len(real)].Members)); err != nil {
				return err
			}
			for _, check := range o.checks {
				if err := c.Create(ctx, etcdMonitor(id, check, o.interval)); err != nil {
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
