package cruiser

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// OffPeak is the part of each day in which scheduled runs of expensive checks begin. The zero value is the whole day. It
// implements encoding.TextUnmarshaler, so that a flag can set it: 01:00-05:30, or 22:00-04:00 over midnight, in the local
// time zone.
type OffPeak struct {
	begin, end time.Duration // since midnight
}

const day = 24 * time.Hour

// MarshalText implements encoding.TextMarshaler.
func (w OffPeak) MarshalText() ([]byte, error) {
	if w == (OffPeak{}) {
		return nil, nil
	}
	return []byte(clock(w.begin) + "-" + clock(w.end)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *OffPeak) UnmarshalText(text []byte) error {
	*w = OffPeak{}
	if len(text) == 0 {
		return nil
	}
	begin, end, found := strings.Cut(string(text), "-")
	from, errFrom := time.Parse("15:04", begin)
	to, errTo := time.Parse("15:04", end)
	if !found || errFrom != nil || errTo != nil || from.Equal(to) {
		return fmt.Errorf("off-peak hours are %q: give two times of a day, for example 01:00-05:30", text)
	}
	w.begin, w.end = sinceMidnight(from), sinceMidnight(to)
	return nil
}

// shift returns t if it is off-peak, else a random time in the next off-peak hours.
func (w OffPeak) shift(t time.Time) time.Time {
	if w.contains(t) {
		return t
	}
	year, month, date := t.Date()
	begin := time.Date(year, month, date, 0, 0, 0, 0, t.Location()).Add(w.begin)
	if begin.Before(t) {
		begin = begin.Add(day)
	}
	return begin.Add(rand.N(w.length()))
}

func (w OffPeak) contains(t time.Time) bool {
	if w == (OffPeak{}) {
		return true
	}
	return (sinceMidnight(t)-w.begin+day)%day < w.length()
}

func (w OffPeak) length() time.Duration { return (w.end - w.begin + day) % day }

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

func clock(sinceMidnight time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(sinceMidnight.Hours()), int(sinceMidnight.Minutes())%60)
}
