package v1beta1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func TestPendingRequest(t *testing.T) {
	for _, test := range []struct{ name, annotation, answered, pending string }{
		{"none was ever made", "", "", ""},
		{"the first", "r1", "", "r1"},
		{"an answered one", "r1", "r1", ""},
		{"one after an answered one", "r2", "r1", "r2"},
		{"a removed annotation", "", "r1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := etcdv1beta1.EtcdMonitor{Status: etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: test.answered}}
			if test.annotation != "" {
				m.Annotations = map[string]string{etcdv1beta1.AnnotationRunRequestedAt: test.annotation}
			}
			assert.Equal(t, test.pending, m.PendingRequest())
		})
	}
}

func TestMetricsEndpoint(t *testing.T) {
	m := etcdv1beta1.EtcdClusterMember{ClientURL: "https://10.0.0.1:2379"}
	assert.Equal(t, "https://10.0.0.1:2379", m.MetricsEndpoint())
	m.MetricsURL = "http://10.0.0.1:2381"
	assert.Equal(t, "http://10.0.0.1:2381", m.MetricsEndpoint())
}
