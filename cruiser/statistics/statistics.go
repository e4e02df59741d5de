// Package statistics holds what checks compute from measurements: estimates that single outliers do not disturb.
package statistics

import (
	"math"
	"slices"
)

// Point is a measurement: a time in Unix seconds and a value.
type Point [2]int64

// Median returns the middle of the numbers, which it sorts; NaN of none.
func Median(numbers []float64) float64 {
	if len(numbers) == 0 {
		return math.NaN()
	}
	slices.Sort(numbers)
	middle := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[middle]
	}
	return (numbers[middle-1] + numbers[middle]) / 2
}

// MedianSlope returns the median of the slopes between each two points, per second (Theil and Sen: P. K. Sen, Journal of
// the American Statistical Association 63, 1968).
func MedianSlope(points []Point) float64 {
	var slopes []float64
	for i, a := range points {
		for _, b := range points[i+1:] {
			if b[0] > a[0] {
				slopes = append(slopes, float64(b[1]-a[1])/float64(b[0]-a[0]))
			}
		}
	}
	return Median(slopes)
}
