package cruiser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestManyMonitorsOfOneClusterTryLessOften(t *testing.T) {
	locks := newClusterLocks()
	unlock, _ := locks.tryLock(clusterLock{cluster: cluster(1)})
	// next is when each of 10,000 monitors tries again, in the minute in which one run has the cluster.
	tries := 0
	next := make([]time.Duration, 10_000)
	for at := time.Duration(0); at < time.Minute; at += 50 * time.Millisecond {
		for i := range next {
			if next[i] <= at {
				denied, retry := locks.tryLock(clusterLock{cluster: cluster(1)})
				assert.Nil(t, denied)
				assert.GreaterOrEqual(t, retry, busyRetry)
				next[i] = at + retry
				tries++
			}
		}
	}
	assert.Less(t, tries, 60_000, "without a bound there are 2.4 million")

	free, _ := locks.tryLock(clusterLock{cluster: cluster(2)})
	assert.NotNil(t, free, "another cluster is free")
	expensive, _ := locks.tryLock(clusterLock{cluster: cluster(1), expensive: true})
	assert.NotNil(t, expensive, "so is this one for a scan")
	unlock()
	again, _ := locks.tryLock(clusterLock{cluster: cluster(1)})
	assert.NotNil(t, again)
	_, retry := locks.tryLock(clusterLock{cluster: cluster(1)})
	assert.Equal(t, busyRetry, retry)
}
