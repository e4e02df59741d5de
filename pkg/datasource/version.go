package datasource

import (
	"encoding/json"
	"math"
)

// migration changes the fields of a saved query of one version to those of the next.
type migration func(fields map[string]json.RawMessage)

// migrations are those from version 1 on, in order: a query without a version has 1, and the current version is one more than
// there are migrations. Each has its counterpart in src/datasource/version.ts, which tests compare by golden files.
var migrations []migration

// migrate brings the fields to the current version. A newer one is refused: half of a query would be another query.
func (f *fields) migrate(steps []migration) {
	version, current := f.integer("version", 1, 1, math.MaxInt32), len(steps)+1
	if version > current {
		f.fail("version", "is %d, and this plugin reads queries up to version %d: update the app etcd Fleet to the release that wrote the query", version, current)
		return
	}
	for _, step := range steps[version-1:] {
		step(f.values)
	}
}
