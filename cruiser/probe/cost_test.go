package probe_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// BenchmarkProbe measures what docs/inspections.md says that probes cost this side: an iteration is a cluster, whose
// connection is opened, asked a second time and kept.
func BenchmarkProbe(b *testing.B) {
	for name, options := range map[string]etcdtest.Options{"plain": {Size: 1}, "tls": {Size: 1, TLS: true}} {
		b.Run(name, func(b *testing.B) {
			cluster := etcdtest.Start(b, options)
			var credentials etcdclient.Credentials
			if options.TLS {
				var err error
				secrets := fake.NewClientBuilder().WithObjects(secret(cluster.Credentials(b))).Build()
				credentials, err = etcdclient.ReadCredentials(b.Context(), etcdclient.Secrets{Cached: secrets, Live: secrets}, object("gz-a", cluster.Spec("gz-a", "etcd-client")))
				require.NoError(b, err)
			}
			var pools []*etcdclient.Pool // each with a connection of its own
			for range b.N {
				pools = append(pools, etcdclient.NewPool(time.Hour))
			}
			readAll := func() time.Duration {
				begin := cpuTime(b)
				for _, pool := range pools {
					lease := pool.Lease(credentials)
					client, err := lease.Client(cluster.Members[0].ClientURL)
					require.NoError(b, err)
					_, err = client.Get(b.Context(), etcddiag.ProbeKey)
					require.NoError(b, err)
					lease.Release()
				}
				return cpuTime(b) - begin
			}
			before, goroutines := memory(), runtime.NumGoroutine()
			b.ReportMetric(float64(readAll().Microseconds())/float64(b.N), "CPU-µs/connect")
			b.ReportMetric(float64(memory()-before)/float64(b.N), "B/connection")
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(b.N), "goroutines/connection")
			b.ReportMetric(float64(readAll().Microseconds())/float64(b.N), "CPU-µs/probe")
			runtime.KeepAlive(pools)
		})
	}
}

// memory is what Go has in use, stacks included.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}

// cpuTime is what this process has used, without that of the members.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
