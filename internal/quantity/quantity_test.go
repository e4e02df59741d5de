package quantity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

func TestSizesHaveAUnit(t *testing.T) {
	for size, want := range map[float64]string{0: "0 B", 1023: "1023 B", 921600: "900.0 KiB", 3 << 29: "1.5 GiB", 1 << 42: "4096.0 GiB"} {
		assert.Equal(t, want, quantity.Size(size))
	}
}

func TestTimesHaveNoNeedlessDigits(t *testing.T) {
	for duration, want := range map[time.Duration]string{
		0: "0s", 1400 * time.Millisecond: "1s", 5 * time.Minute: "5m", 36 * time.Hour: "36h", 90*time.Minute + 20*time.Second: "1h30m",
	} {
		assert.Equal(t, want, quantity.Duration(duration))
	}
}
