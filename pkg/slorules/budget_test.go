package slorules

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABudgetIsWrittenSoThatItCanBeBelieved(t *testing.T) {
	for left, want := range map[float64]string{
		1:             "100.0 %",
		1 - 1e-12:     "> 99.9 %",
		0.9999:        "> 99.9 %",
		0.9991:        "> 99.9 %",
		0.999:         "99.9 %",
		0.9989:        "99.8 %",
		0.7 - 0.1:     "60.0 %",
		0.815:         "81.5 %",
		0.001:         "0.1 %",
		0.0009:        "< 0.1 %",
		1e-12:         "< 0.1 %",
		0:             "0.0 %",
		-1e-6:         "1.0 × overspent",
		-0.5:          "1.5 × overspent",
		-8.99:         "9.9 × overspent",
		-9.5:          "10 × overspent",
		-224.35:       "225 × overspent",
		-22434.5:      "22,435 × overspent",
		math.NaN():    "",
		-1_234_567.25: "1,234,568 × overspent",
	} {
		require.Equal(t, want, BudgetText(left), "%v", left)
	}
}
