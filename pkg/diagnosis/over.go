package diagnosis

import (
	"fmt"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

// burnWindow is how far back the burn rate looks by which users are taken to feel something: for as long it shows a cause
// that is over.
const burnWindow = 5 * time.Minute

// over is the finding of a cluster whose burn rate still shows a cause that was seen within burnWindow and is no more; nil
// when none was.
func over(s *Snapshot, felt *Finding) *Finding {
	for ago := Step; ago <= burnWindow; ago += Step {
		past := suspected(s.before(ago))
		if len(past) == 0 || compareSeverity(past[0].Severity, Degraded) > 0 {
			continue
		}
		f := past[0]
		f.Severity, f.Over = Degraded, true
		f.Statement = fmt.Sprintf("%s still burns its error budget for a cause that was last seen %s ago: %s", s.Cluster, quantity.Duration(ago), f.Statement)
		f.Evidence = append(f.Evidence, felt.Evidence...)
		f.Action = "Wait until the burn rate falls, within five minutes. If it does not, the cause is another one: run the inspections of the cluster."
		f.Check = felt.Check
		return &f
	}
	return nil
}

// before is the snapshot as the series showed it some time ago. What is known of one time only is left out: inspections, and
// the disks of the neighbours.
func (s *Snapshot) before(ago time.Duration) *Snapshot {
	past := *s
	past.At = s.At.Add(-ago)
	past.Inspections, past.Neighbours = nil, nil
	past.Series = Series{}
	for name, histories := range s.Series {
		past.Series[name] = make(map[string]History, len(histories))
		for key, points := range histories {
			end := len(points)
			for end > 0 && points[end-1].Time.After(past.At) {
				end--
			}
			if end > 0 {
				past.Series[name][key] = points[:end]
			}
		}
	}
	return &past
}
