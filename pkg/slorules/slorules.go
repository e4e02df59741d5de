// Package slorules says what the rules of slo/generate record, and how what they record is written for people.
package slorules

// BurnRate is when an alert fires: the error budget burns faster than Factor times too fast over both windows.
type BurnRate struct {
	Short, Long string
	Factor      float64
}
