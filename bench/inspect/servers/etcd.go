// Package servers runs the real etcd servers that the benchmarks of inspections read from.
package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

// size is the number of members of a cluster.
const size = 3

// Cluster is a running etcd cluster.
type Cluster struct {
	Members   []etcdv1beta1.EtcdClusterMember
	processes []*testproc.Process
}

// Start starts a cluster with its data and logs in dir. The arguments are passed to each etcd.
func Start(dir string, arguments ...string) (*Cluster, error) {
	binaries, err := labbin.Dir("etcd")
	if err != nil {
		return nil, err
	}
	addresses, err := testproc.FreeAddresses(2 * size)
	if err != nil {
		return nil, err
	}
	c := &Cluster{processes: make([]*testproc.Process, size)}
	var peers []string
	for i := range size {
		name := fmt.Sprintf("etcd-%d", i)
		c.Members = append(c.Members, etcdv1beta1.EtcdClusterMember{Name: name, ClientURL: "http://" + addresses[i]})
		peers = append(peers, name+"=http://"+addresses[size+i])
	}
	var group errgroup.Group
	for i, m := range c.Members {
		group.Go(func() (err error) {
			folder := filepath.Join(dir, m.Name)
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return err
			}
			peer := "http://" + addresses[size+i]
			c.processes[i], err = testproc.Start(folder, filepath.Join(binaries, "etcd"), append([]string{
				"--name", m.Name, "--data-dir", filepath.Join(folder, "data"), "--log-level", "error",
				"--listen-client-urls", m.ClientURL, "--advertise-client-urls", m.ClientURL,
				"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
				"--initial-cluster", strings.Join(peers, ","),
			}, arguments...), func(ctx context.Context) error {
				return testproc.GetOK(ctx, http.DefaultClient, m.ClientURL+"/health")
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// Stop stops the members.
func (c *Cluster) Stop() {
	for _, process := range c.processes {
		if process != nil {
			process.Kill()
		}
	}
}
