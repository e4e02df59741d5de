package thanos

import (
	"fmt"
	"strconv"

	jsoniter "github.com/json-iterator/go"
)

// Result is the value of an expression.
type Result struct {
	// Type is vector, matrix, scalar or string.
	Type string
	// Series are those of a vector, matrix or scalar; a scalar is one series without labels.
	Series []Series
	// SkippedHistograms counts series that are native histograms, which have no plain value.
	SkippedHistograms int
	// Warnings are what Thanos and PromQL say about the answer.
	Warnings Warnings
}

// Series is one labelled series of points, oldest first.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a time in milliseconds since the epoch. The value may be NaN or infinite.
type Point struct {
	Time  int64
	Value float64
}

// decodeResult reads an answer of /api/v1/query or /api/v1/query_range. It streams: a large answer as a tree of maps
// would take ten times its size.
func decodeResult(body []byte) (*Result, error) {
	iter := jsoniter.ConfigCompatibleWithStandardLibrary.BorrowIterator(body)
	defer jsoniter.ConfigCompatibleWithStandardLibrary.ReturnIterator(iter)
	result := &Result{}
	requireNext(iter, jsoniter.ObjectValue)
	for field := iter.ReadObject(); field != ""; field = iter.ReadObject() {
		switch field {
		case "data":
			result.readData(iter)
		case "warnings", "infos":
			for iter.ReadArray() {
				result.Warnings.add(iter.ReadString())
			}
		default:
			iter.Skip()
		}
	}
	if iter.Error != nil {
		return nil, iter.Error
	}
	if result.Type == "" {
		return nil, fmt.Errorf("the answer has no result type")
	}
	return result, nil
}

// readData relies on resultType coming before result, which is how Prometheus and Thanos write it.
func (r *Result) readData(iter *jsoniter.Iterator) {
	requireNext(iter, jsoniter.ObjectValue)
	for field := iter.ReadObject(); field != ""; field = iter.ReadObject() {
		switch {
		case field == "resultType":
			r.Type = iter.ReadString()
		case field == "result" && r.Type == "scalar":
			r.Series = []Series{{Points: []Point{readPoint(iter)}}}
		case field == "result" && (r.Type == "vector" || r.Type == "matrix"):
			for iter.ReadArray() {
				r.readSeries(iter)
			}
		default:
			iter.Skip()
		}
	}
}

func (r *Result) readSeries(iter *jsoniter.Iterator) {
	series := Series{Labels: map[string]string{}}
	for field := iter.ReadObject(); field != ""; field = iter.ReadObject() {
		switch field {
		case "metric":
			for name := iter.ReadObject(); name != ""; name = iter.ReadObject() {
				series.Labels[name] = iter.ReadString()
			}
		case "value":
			series.Points = []Point{readPoint(iter)}
		case "values":
			for iter.ReadArray() {
				series.Points = append(series.Points, readPoint(iter))
			}
		default:
			iter.Skip()
		}
	}
	if len(series.Points) == 0 {
		r.SkippedHistograms++
		return
	}
	r.Series = append(r.Series, series)
}

// requireNext refuses what is no object or array: the iterator takes a comma for the next element of one that never began.
func requireNext(iter *jsoniter.Iterator, kind jsoniter.ValueType) {
	if iter.WhatIsNext() != kind {
		iter.ReportError("decodeResult", "the answer has another form")
	}
}

// readPoint reads [seconds, "value"].
func readPoint(iter *jsoniter.Iterator) Point {
	var point Point
	requireNext(iter, jsoniter.ArrayValue)
	iter.ReadArray()
	point.Time = int64(iter.ReadFloat64()*1000 + 0.5)
	iter.ReadArray()
	value, err := strconv.ParseFloat(iter.ReadString(), 64)
	if err != nil {
		iter.ReportError("readPoint", err.Error())
	}
	point.Value = value
	iter.ReadArray()
	return point
}
