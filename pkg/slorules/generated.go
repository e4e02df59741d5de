// Code generated from slo/definitions/objectives.yaml by `npm run generate`. DO NOT EDIT.

package slorules

// Windows are the times over which the rules sum events, ascending; the last one is BudgetWindow.
var Windows = []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}

// BudgetWindow is the time that the error budget is for.
const BudgetWindow = "30d"

// Pages are the burn rates that page somebody, the fastest first.
var Pages = []BurnRate{
	{Short: "5m", Long: "1h", Factor: 14.4},
	{Short: "30m", Long: "6h", Factor: 6},
}
