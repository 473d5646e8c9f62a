// Package nearest finds what was probably meant by a word that is not known.
// It keeps no state and starts no goroutine.
package nearest

import "strings"

// Word returns the known word that differs least from an unknown one, or "" if
// none is close enough to be meant. An underscore counts as a dash.
func Word(word string, known []string) string {
	best, bestDistance := "", len(word)/3+2
	for _, k := range known {
		if d := distance(strings.ReplaceAll(word, "_", "-"), k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is how many letters must be added, removed or changed to get from
// a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
