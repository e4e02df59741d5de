package datasource

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// maxNotices bounds the notices of one kind.
const maxNotices = 5

// partialAnswer begins every notice of an answer that lacks series.
const partialAnswer = "Thanos answered in part: "

func notice(severity data.NoticeSeverity, text string, args ...any) data.Notice {
	return data.Notice{Severity: severity, Text: fmt.Sprintf(text, args...)}
}

// resultNotices say what is special about the answer of one expression.
func resultNotices(result *thanos.Result, lost []string) []data.Notice {
	notices := partialNotices(result.Warnings.Partial, lost)
	notices = append(notices, someNotices(data.NoticeSeverityInfo, result.Warnings.PromQL)...)
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
func partialNotices(partial, lost []string) []data.Notice {
	texts := make([]string, 0, max(len(partial), len(lost)))
	for _, text := range partial {
		texts = append(texts, partialAnswer+text)
	}
	if len(partial) == 0 {
		for _, text := range lost {
			texts = append(texts, partialAnswer+text)
		}
	}
	return someNotices(data.NoticeSeverityWarning, texts)
}

// onceEach returns the texts sorted, each once.
func onceEach(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

// someNotices are a notice for each text, up to a number that can be read.
func someNotices(severity data.NoticeSeverity, texts []string) []data.Notice {
	var notices []data.Notice
	for i, text := range texts {
		if i == maxNotices {
			return append(notices, notice(severity, "There are %s more remarks like these.", thousands(len(texts)-i)))
		}
		notices = append(notices, notice(severity, "%s", text))
	}
	return notices
}

// regionNotices say which regions' rows are old or missing; nil is a table that does not come from regions.
func regionNotices(regions []inventory.Status) []data.Notice {
	if regions != nil && len(regions) == 0 {
		return []data.Notice{notice(data.NoticeSeverityWarning, "No region is configured, so no cluster and no inspection is known: add a region in the datasource's settings.")}
	}
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
		texts := make([]string, len(region.LeftOut))
		for i, out := range region.LeftOut {
			texts[i] = fmt.Sprintf("Region %s: the EtcdCluster %s with the ID %s is left out. %s", region.Name, out.Object, out.ClusterID, out.Reason)
		}
		notices = append(notices, someNotices(data.NoticeSeverityWarning, texts)...)
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
