package main

import (
	"fmt"
	"math/rand/v2"
)

const (
	registry   = "/registry/"
	pods       = registry + "pods/"
	events     = registry + "events/"
	nodeLeases = registry + "leases/kube-node-lease/"

	namespaces = 10
	nodes      = 20

	// maxEvents bounds the number of events that exist at once. Events also expire.
	maxEvents = 50

	minObjects = 50
)

// keySpace is the bounded set of keys of one cluster. Most objects are written once and then only read, as in a real
// Kubernetes cluster; the first fifth changes constantly.
type keySpace struct {
	objects int
}

// maxKeys is the maximum number of keys that the cluster can hold.
func (k keySpace) maxKeys() int {
	return k.objects + nodes + maxEvents
}

func (k keySpace) object(index int) string {
	return fmt.Sprintf("%sns-%d/pod-%05d", pods, index%namespaces, index)
}

func (k keySpace) anyObject() string {
	return k.object(rand.IntN(k.objects))
}

func (k keySpace) changingObject() string {
	return k.object(rand.IntN(k.objects / 5))
}

func (k keySpace) anyNamespace() string {
	return fmt.Sprintf("%sns-%d/", pods, rand.IntN(namespaces))
}

func (k keySpace) anyEvent() string {
	return fmt.Sprintf("%sns-%d/event-%02d", events, rand.IntN(namespaces), rand.IntN(maxEvents/namespaces))
}

func (k keySpace) anyNodeLease() string {
	return fmt.Sprintf("%snode-%d", nodeLeases, rand.IntN(nodes))
}

// objectValue returns a value of the size of Kubernetes objects: 0.5 to 2.5 KiB of bytes that hardly compress.
func objectValue() string {
	value := make([]byte, 512+rand.IntN(2048))
	for i := range value {
		value[i] = byte('a' + rand.IntN(26))
	}
	return string(value)
}
