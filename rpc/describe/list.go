package describe

// OrEmpty makes nil an empty list, as JSON tells them apart.
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
