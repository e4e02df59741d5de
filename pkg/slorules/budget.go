package slorules

import (
	"fmt"
	"math"
	"strconv"
)

// almost makes up for the last digits of a computed ratio, which fall below the one that was meant.
const almost = 1e-9

// BudgetText says what is left of an error budget: the share, or how many budgets are spent when it is overspent. It
// rounds down, and never to all while something is spent, nor to nothing while something is left.
func BudgetText(left float64) string {
	percent := math.Floor((left+almost)*1000) / 10
	switch {
	case math.IsNaN(left):
		return ""
	case left < 0:
		return times(1-left) + " × overspent"
	case left > 0 && percent < 0.1:
		return "< 0.1 %"
	case left < 1 && (percent > 99.9 || left > 0.999+almost):
		return "> 99.9 %"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
}

// times writes a factor from 1 on with as many digits as matter.
func times(factor float64) string {
	if factor < 10 {
		return strconv.FormatFloat(math.Floor((factor+almost)*10)/10, 'f', 1, 64)
	}
	return grouped(int64(factor))
}

// grouped separates thousands, as 22,436.
func grouped(number int64) string {
	if number < 1000 {
		return strconv.FormatInt(number, 10)
	}
	return grouped(number/1000) + fmt.Sprintf(",%03d", number%1000)
}
