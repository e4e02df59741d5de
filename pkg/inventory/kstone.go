package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// A region may hold clusters that kstone manages (https://github.com/tkestack/kstone). Its EtcdCluster and
// EtcdInspection are read and never written; where an EtcdCluster of ours has the same clusterId, kstone's is left out.

const (
	kstoneClustersResource    = "etcdclusters"
	kstoneInspectionsResource = "etcdinspections"

	// kstoneProduct, kstoneScene and kstoneSpec are those of a cluster that is not labelled otherwise.
	kstoneProduct = "kstone"
	kstoneScene   = "default"
	kstoneSpec    = string(v1beta1.SpecificationDefault)

	kstoneLearner = "Learner"

	kstoneBlocked = "kstone runs this inspection by itself and takes no requests: create an EtcdCluster and an EtcdMonitor of the group " +
		"etcd.cloud.tencent.com to run checks of this cluster on demand."
)

// kstoneChecks are the checks that find the same as an inspection of kstone: consistency compares the members' key
// counts, alarm lists alarms, backupcheck counts the backups of the last day against the policy. Of the other types,
// healthy asks each member for its health and request counts the events of a watch: no check does just that, so they
// keep their names.
var kstoneChecks = map[string]string{
	"consistency": "etcd-node-key-diff",
	"alarm":       "alarms",
	"backupcheck": "backup-age",
}

// newKstoneCluster names a cluster as kstone's inspections and metrics do, by its object. kstone copies an EtcdCluster's
// labels to the series that it has scraped, so that labels named product, scene and spec are those of the series too.
func newKstoneCluster(region string, o *kstoneCluster) *Cluster {
	c := &Cluster{
		Region:  region,
		ID:      o.Name,
		Product: kstoneTag(o, "product", kstoneProduct),
		Scene:   kstoneTag(o, "scene", kstoneScene),
		Spec:    kstoneTag(o, "spec", kstoneSpec),
		Size:    o.Spec.Size,
		Members: make([]Member, len(o.Status.Members)),
		Version: o.Spec.Version,
		kstone:  true,
		object:  types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
		created: o.CreationTimestamp.Time,
	}
	voters := 0
	for i, member := range o.Status.Members {
		c.Members[i].Name = cmp.Or(member.Name, member.Endpoint)
		c.Version = cmp.Or(c.Version, member.Version)
		if member.Role != kstoneLearner {
			voters++
		}
	}
	c.Size = cmp.Or(c.Size, voters)
	return c
}

func newKstoneMonitor(region string, o *kstoneInspection) *Monitor {
	m := &Monitor{
		Region:    region,
		ClusterID: o.Spec.ClusterName,
		Check:     cmp.Or(kstoneChecks[o.Spec.InspectionType], o.Spec.InspectionType),
		Product:   kstoneTag(o, "product", kstoneProduct),
		Kstone:    true,
		object:    types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
	}
	records := make([]v1beta1.EtcdMonitorRecord, len(o.Status.Records))
	for i, record := range o.Status.Records {
		texts := slices.DeleteFunc([]string{record.Reason, record.Message}, func(text string) bool { return text == "" })
		records[i] = v1beta1.EtcdMonitorRecord{StartTime: record.StartTime, EndTime: record.EndTime, Message: strings.Join(texts, ": ")}
	}
	m.setRecords(records)
	return m
}

// kstoneTag is an object's label, else its annotation of that name.
func kstoneTag(o metav1.Object, name, otherwise string) string {
	return cmp.Or(o.GetLabels()[name], o.GetAnnotations()[name], otherwise)
}

// kstoneStream is one of kstone's resources, as it is followed.
type kstoneStream struct {
	resource     string
	object, list runtime.Object
	store        cache.ReflectorStore
	clear        func()
}

// name distinguishes the stream from our own of the same resource for freshness.
func (s kstoneStream) name() string { return kstoneStreamName(s.resource) }

func kstoneStreamName(resource string) string { return "kstone/" + resource }

func (r *region) kstoneStreams() []kstoneStream {
	return []kstoneStream{
		{
			resource: kstoneClustersResource, object: &kstoneCluster{}, list: &kstoneClusterList{},
			store: &feed[*kstoneCluster, *Cluster]{
				convert:  func(o *kstoneCluster) *Cluster { return newKstoneCluster(r.config.Name, o) },
				shelf:    r.index.kstoneClusters,
				onSynced: func() { r.fresh.synced(kstoneStreamName(kstoneClustersResource)) },
			},
			clear: func() { r.index.kstoneClusters.replace(nil) },
		},
		{
			resource: kstoneInspectionsResource, object: &kstoneInspection{}, list: &kstoneInspectionList{},
			store: &feed[*kstoneInspection, *Monitor]{
				convert:  func(o *kstoneInspection) *Monitor { return newKstoneMonitor(r.config.Name, o) },
				shelf:    r.index.kstoneMonitors,
				onSynced: func() { r.fresh.synced(kstoneStreamName(kstoneInspectionsResource)) },
			},
			clear: func() { r.index.kstoneMonitors.replace(nil) },
		},
	}
}

// followKstone keeps the index equal to one of kstone's resources until ctx ends: while the API server serves it and
// lets it be read. It never makes a region look less current than its own objects are; that the API server is there at
// all, the probe watches. A server that has just started refuses what its roles allow: objects stay for refusalGrace.
func (r *region) followKstone(ctx context.Context, s kstoneStream) {
	var refusedFrom time.Time
	told := ""
	for ctx.Err() == nil {
		pause := reprobeInterval
		if allowed, err := r.readKstone(ctx, s); allowed || refusedFrom.IsZero() {
			refusedFrom = time.Now()
		} else if time.Since(refusedFrom) >= refusalGrace {
			pause = r.recheck
			r.loseKstone(s)
			if err != nil && err.Error() != told {
				r.logger.Warn("Objects of kstone are not read", "resource", s.resource, "error", err)
				told = err.Error()
			}
		}
		r.fresh.synced(s.name())
		select {
		case <-ctx.Done():
		case <-time.After(wait.Jitter(pause, 0.2)):
		}
	}
}

// readKstone follows a resource for as long as the API server serves it. It reports whether the server let it be read, which
// is not known, and true, of one that does not answer.
func (r *region) readKstone(ctx context.Context, s kstoneStream) (bool, error) {
	version, err := r.kstoneVersion(ctx)
	switch {
	case err != nil:
		return true, err
	case version == "":
		return false, nil
	}
	return r.reflectKstone(ctx, version, s)
}

func (r *region) loseKstone(s kstoneStream) {
	s.clear()
	if s.resource == kstoneClustersResource {
		r.kstoneReadable.Store(false)
	}
}

// reflectKstone follows a resource until ctx ends, nil then, or the API server says that it does not serve it or that
// the account may not read it: client-go would ask again every few seconds for ever. It reports whether it let it be read before.
func (r *region) reflectKstone(ctx context.Context, version string, s kstoneStream) (bool, error) {
	client, err := r.kstoneClient(version)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var allowed atomic.Bool // a list that is cut short may still report
	report := func(_ context.Context, err error) {
		switch {
		case err == nil:
			allowed.Store(true)
			if s.resource == kstoneClustersResource {
				r.kstoneReadable.Store(true)
			}
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
			cancel(r.server.Explain(err))
		case err != nil:
			// Whoever waits for the region's first synchronisation need not wait for this.
			r.fresh.synced(s.name())
		}
	}
	r.reflect(ctx, s.name(), r.listWatch(client, s.resource, s.list, report, everything), s.object, s.store)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return allowed.Load(), cause
	}
	return allowed.Load(), nil
}

func (r *region) kstoneClient(version string) (rest.Interface, error) {
	return newRESTClient(r.config.URL, "/apis", schema.GroupVersion{Group: kstoneGroup, Version: version}, r.scheme, r.http)
}

// kstoneVersion asks which version of kstone's objects the API server serves; "" for none that can be read.
func (r *region) kstoneVersion(ctx context.Context) (string, error) {
	answer, body, err := r.get(ctx, "apis/"+kstoneGroup, requestTimeout)
	if err != nil {
		return "", err
	}
	if answer.Status >= http.StatusInternalServerError {
		return "", answer
	}
	if answer.Status != http.StatusOK {
		return "", nil
	}
	var group metav1.APIGroup
	if err := json.Unmarshal(body, &group); err != nil {
		return "", err
	}
	served := func(version string) bool {
		return slices.ContainsFunc(group.Versions, func(v metav1.GroupVersionForDiscovery) bool { return v.Version == version })
	}
	if i := slices.IndexFunc(kstoneVersions, served); i >= 0 {
		return kstoneVersions[i], nil
	}
	return "", nil
}

// checkKstone says how it is with kstone's objects, "" where there are none, and whether they can be read.
func (r *region) checkKstone(ctx context.Context) (note string, readable bool) {
	version, err := r.kstoneVersion(ctx)
	if err != nil || version == "" {
		return "", false
	}
	client, err := r.kstoneClient(version)
	if err == nil {
		err = r.listOne(ctx, client, kstoneClustersResource, &kstoneClusterList{})
	}
	if err == nil {
		err = r.listOne(ctx, client, kstoneInspectionsResource, &kstoneInspectionList{})
	}
	if err != nil {
		return fmt.Sprintf("the clusters of kstone are missing: %v", r.server.Explain(err)), false
	}
	return "the clusters of kstone are read too", true
}
