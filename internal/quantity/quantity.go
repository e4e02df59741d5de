// Package quantity writes sizes and times for people.
package quantity

import (
	"fmt"
	"strings"
	"time"
)

// Size shows a number of bytes: 900.0 KiB.
func Size(size float64) string {
	unit := "B"
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, larger
	}
	if unit == "B" {
		return fmt.Sprintf("%.0f B", size)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

// Duration shows a time without needless digits: 36h0m0s is 36h.
func Duration(d time.Duration) string {
	text := d.Round(time.Second).String()
	if d >= time.Minute {
		text = d.Round(time.Minute).String()
	}
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
