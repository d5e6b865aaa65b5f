// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

// decision turns outcomes into readiness.
type decision struct {
	succeedAfter, failAfter int

	// decided is what the thresholds were last reached for, noResult at first.
	decided outcome
	// last is the newest outcome, and row how many in a row there are of it.
	last outcome
	row  int
}

// add takes the next outcome and says whether it decided something new.
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
