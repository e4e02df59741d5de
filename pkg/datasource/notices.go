package datasource

import (
	"fmt"
	"strconv"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

func notice(severity data.NoticeSeverity, text string, args ...any) data.Notice {
	return data.Notice{Severity: severity, Text: fmt.Sprintf(text, args...)}
}

// resultNotices say what is special about the answer of one expression.
func resultNotices(result *thanos.Result, lost []thanos.Store) []data.Notice {
	notices := partialNotices(result.Warnings.Partial, lost)
	for _, remark := range result.Warnings.PromQL {
		notices = append(notices, notice(data.NoticeSeverityInfo, "%s", remark))
	}
	if total := len(result.Series); total > maxSeries {
		notices = append(notices, notice(data.NoticeSeverityWarning, "%s of %s series: aggregate, for example with sum by (cluster) (…), or choose with topk(10, …).", thousands(maxSeries), thousands(total)))
	}
	if result.SkippedHistograms > 0 {
		notices = append(notices, notice(data.NoticeSeverityWarning, "%s native histograms are left out: use histogram_quantile(…) or histogram_count(…).", thousands(result.SkippedHistograms)))
	}
	return notices
}

// partialNotices say whose series are missing from an answer: as Thanos puts it, else from its list of stores, because
// of some lost stores it says nothing.
func partialNotices(partial []string, lost []thanos.Store) []data.Notice {
	var notices []data.Notice
	for _, text := range partial {
		notices = append(notices, notice(data.NoticeSeverityWarning, "Thanos answered in part: %s", text))
	}
	if len(partial) > 0 {
		return notices
	}
	for _, store := range lost {
		notices = append(notices, notice(data.NoticeSeverityWarning, "Thanos answered in part: the series of its store %s %s are missing: %s", store.Name, store.Labels, store.Error))
	}
	return notices
}

// regionNotices say which regions' rows are old or missing.
func regionNotices(regions []inventory.Status) []data.Notice {
	var notices []data.Notice
	for _, region := range regions {
		switch region.State {
		case inventory.Stale:
			notices = append(notices, notice(data.NoticeSeverityWarning, "Region %s: this is what was seen %s ago. %v", region.Name, inventory.Age(region.Since), region.Err))
		case inventory.Failed:
			notices = append(notices, notice(data.NoticeSeverityError, "Region %s is missing. %v", region.Name, region.Err))
		case inventory.Syncing:
			notices = append(notices, notice(data.NoticeSeverityInfo, "Region %s is being read for the first time: refresh in a few seconds.", region.Name))
		case inventory.Live:
		}
	}
	return notices
}

func cutNotices(shown, offset, total int, noun string) []data.Notice {
	switch {
	case shown == total:
		return nil
	case offset == 0:
		return []data.Notice{notice(data.NoticeSeverityInfo, "%s of %s %s.", thousands(shown), thousands(total), noun)}
	}
	return []data.Notice{notice(data.NoticeSeverityInfo, "%s of %s %s, from number %s on.", thousands(shown), thousands(total), noun, thousands(offset+1))}
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
