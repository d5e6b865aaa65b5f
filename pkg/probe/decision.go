// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

// decision turns outcomes into readiness.
type decision struct {
	succeedAfter, failAfter int

	// decided is the outcome that last reached its threshold, noResult at first.
	decided outcome
	// last is the latest outcome, and row how often it occurred in a row.
	last outcome
	row  int
}

// add adds an outcome and reports whether it changed the decision.
func (d *decision) add(o outcome) (changed bool) {
	if o == noResult {
		return false
	}
	if o != d.last {
		d.last, d.row = o, 0
	}
	d.row++
	threshold := d.failAfter
	if o == passed {
		threshold = d.succeedAfter
	}
	if d.row < threshold || o == d.decided {
		return false
	}
	d.decided = o
	return true
}

func (d *decision) ready() bool { return d.decided == passed }
