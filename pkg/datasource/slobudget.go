package datasource

import (
	"math"
	"strconv"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

// budgetDigits are how finely budgets are distinguished: a millionth, so that both sides write the same number.
const budgetDigits = 1e6

// shownBudget is what is left in whole millionths; one that is neither all nor nothing stays so.
func shownBudget(left *float64) *float64 {
	if left == nil || math.IsNaN(*left) || math.IsInf(*left, 0) {
		return nil
	}
	shown := math.Round(*left*budgetDigits) / budgetDigits
	switch {
	case *left < 1 && shown >= 1:
		shown = 1 - 1/budgetDigits
	case *left > 0 && shown <= 0:
		shown = 1 / budgetDigits
	case *left < 0 && shown >= 0:
		shown = -1 / budgetDigits
	}
	return &shown
}

// budgetField is a number, so that it sorts and has a colour, with the text to show for it. Grafana looks up a value's
// text by the number as JavaScript writes it.
func budgetField(rows []sloRow) *data.Field {
	field := withUnit(column("budgetLeft", rows, func(r sloRow) *float64 { return r.budgetLeft }), "percentunit")
	texts := data.ValueMapper{}
	for _, row := range rows {
		if row.budgetLeft != nil {
			texts[strconv.FormatFloat(*row.budgetLeft, 'f', -1, 64)] = data.ValueMappingResult{Text: slorules.BudgetText(*row.budgetLeft)}
		}
	}
	unknown := data.SpecialValueMapper{Match: data.SpecialValueNullAndNaN, Result: data.ValueMappingResult{Text: "–", Color: "transparent"}}
	field.Config.Mappings = data.ValueMappings{texts, unknown}
	return field
}
