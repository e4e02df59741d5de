package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func TestLoadKeepsTheNumberOfKeysBoundedAndSendsEveryKindOfRequest(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	spec := cluster.Spec("traffic-bounded", "")
	config := clusterConfig{Name: t.Name(), Objects: 60, RequestsPerSecond: 500}
	for _, member := range spec.Members {
		config.Endpoints = append(config.Endpoints, member.ClientURL)
	}
	l, err := newLoad(config)
	require.NoError(t, err)
	defer l.close()

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.run(ctx) }()
	for _, r := range append(l.mix, request{name: "seed"}) {
		assert.Eventually(t, func() bool {
			return succeeded(t, r.name)
		}, time.Minute, 50*time.Millisecond, "no request of the kind %s succeeded", r.name)
	}
	stop()
	<-ended

	answer, err := cluster.Client(t).Get(t.Context(), registry, clientv3.WithPrefix(), clientv3.WithCountOnly())
	require.NoError(t, err)
	assert.LessOrEqual(t, answer.Count, int64(l.keys.maxKeys()))
	assert.Greater(t, answer.Count, int64(l.keys.objects-workers))
}

func TestAHotKeyIsAllThatItsLoadWrites(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	endpoint := cluster.Spec("traffic-hot", "").Members[0].ClientURL
	l, err := newLoad(clusterConfig{Name: t.Name(), Endpoints: []string{endpoint}, RequestsPerSecond: 500, HotKey: "hot"})
	require.NoError(t, err)
	defer l.close()

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.run(ctx) }()
	assert.Eventually(t, func() bool { return succeeded(t, "hot-key") }, time.Minute, 50*time.Millisecond)
	stop()
	<-ended

	answer, err := cluster.Client(t).Get(t.Context(), "\x00", clientv3.WithFromKey())
	require.NoError(t, err)
	require.Len(t, answer.Kvs, 1)
	assert.Equal(t, "hot", string(answer.Kvs[0].Key))
}

func TestAListOfEverythingReadsAllKeysAndWritesNone(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	endpoint := cluster.Spec("traffic-lists", "").Members[0].ClientURL
	before, err := cluster.Client(t).Put(t.Context(), "key", "value")
	require.NoError(t, err)
	l, err := newLoad(clusterConfig{Name: t.Name(), Endpoints: []string{endpoint}, RequestsPerSecond: 500, ListsEverything: true})
	require.NoError(t, err)
	defer l.close()

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.run(ctx) }()
	assert.Eventually(t, func() bool { return succeeded(t, "list-all") }, time.Minute, 50*time.Millisecond)
	stop()
	<-ended

	after, err := cluster.Client(t).Get(t.Context(), "key")
	require.NoError(t, err)
	assert.Equal(t, before.Header.Revision, after.Header.Revision)
}

// succeeded reports whether the test's load has counted a request of the kind with the code OK.
func succeeded(t *testing.T, kind string) bool {
	families, err := prometheus.DefaultGatherer.Gather()
	require.NoError(t, err)
	want := map[string]string{"cluster": t.Name(), "request": kind, "code": codes.OK.String()}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if maps.Equal(labels, want) {
				return true
			}
		}
	}
	return false
}

func TestPickChoosesEachKindAsOftenAsItsWeight(t *testing.T) {
	mix := []request{{name: "a", weight: 1}, {name: "b", weight: 3}, {name: "c", weight: 2}}
	var chosen string
	for at := range 6 {
		chosen += pick(mix, func(int) int { return at }).name
	}
	assert.Equal(t, "abbbcc", chosen)
}

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want codes.Code
	}{
		{"no error", nil, codes.OK},
		{"the request's own deadline", context.DeadlineExceeded, codes.DeadlineExceeded},
		{"an answer of etcd", rpctypes.ErrGRPCNoLeader, codes.Unavailable},
		{"a gRPC status", status.Error(codes.Internal, "x"), codes.Internal},
		{"anything else", errors.New("x"), codes.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, codeOf(c.err)) })
	}
}

func TestConfigurationIsRefusedWithItsReason(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"nothing", "", "names no clusters"},
		{"an unknown field", "clusters: [{nam: x}]", `unknown field "nam"`},
		{"no name", "clusters: [{endpoints: [a], objects: 50, requestsPerSecond: 1}]", "name is missing"},
		{"no endpoints", "clusters: [{name: x, objects: 50, requestsPerSecond: 1}]", "endpoints are missing"},
		{"too few objects", "clusters: [{name: x, endpoints: [a], objects: 1, requestsPerSecond: 1}]", "at least 50"},
		{"no rate", "clusters: [{name: x, endpoints: [a], objects: 50}]", "requestsPerSecond must be above 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "traffic.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.yaml), 0o600))
			_, err := readConfig(file)
			assert.ErrorContains(t, err, c.want)
		})
	}
}
