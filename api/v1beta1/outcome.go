package v1beta1

import "slices"

// OutcomesBySeverity are the outcomes from the least to the worst. A check that could not run never hides one that
// found wrong data, and ranks above a warning because it may hide anything. NotSupported comes first because it requires no
// action. All code that ranks outcomes uses this order;
// src/datasource/kinds/inspections/query.ts mirrors it for the front end.
var OutcomesBySeverity = []Outcome{OutcomeNotSupported, OutcomePassed, OutcomeWarning, OutcomeError, OutcomeFailed}

// Severity is 0 before the first run, and higher for worse outcomes.
func (o Outcome) Severity() int { return slices.Index(OutcomesBySeverity, o) + 1 }

// Worse returns the worse of two outcomes.
func Worse(a, b Outcome) Outcome {
	if b.Severity() > a.Severity() {
		return b
	}
	return a
}
