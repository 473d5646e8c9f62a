package walletrpc

import "testing"

// TestFeeMode tells which estimate a payment takes.
func TestFeeMode(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		mode        string
		replaceable *bool
		economical  bool
	}{
		{"unset", nil, true}, {"unset", &yes, true}, {"unset", &no, false}, {"", nil, true},
		{"conservative", nil, false}, {"Conservative", &yes, false}, {"economical", &no, true}, {"ECONOMICAL", nil, true},
	} {
		o, err := feeOptions(nil, c.mode, nil, c.replaceable)
		if err != nil || o.Economical != c.economical {
			t.Errorf("%q: economical %v, %v", c.mode, o.Economical, err)
		}
	}
}
