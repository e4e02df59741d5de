package statistics_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/etcdfleet/etcd-fleet/cruiser/statistics"
)

func TestMedian(t *testing.T) {
	assert.InDelta(t, 2, statistics.Median([]float64{9, 1, 2}), 0)
	assert.InDelta(t, 1.5, statistics.Median([]float64{2, 1}), 0)
	assert.True(t, math.IsNaN(statistics.Median(nil)))
}

func TestASingleOutlierDoesNotDisturbTheSlope(t *testing.T) {
	points := []statistics.Point{{0, 0}, {10, 20}, {20, 40}, {30, 0}, {40, 80}, {50, 100}}
	assert.InDelta(t, 2, statistics.MedianSlope(points), 0)
}
