// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import "testing"

func TestGaps(t *testing.T) {
	for name, test := range map[string]struct {
		known []int64
		head  head
		want  string
	}{
		"none":                   {[]int64{2, 3, 4}, head{revision: 4}, ""},
		"one in between":         {[]int64{2, 4}, head{revision: 4}, "3"},
		"the last ones":          {[]int64{2, 3}, head{revision: 10}, "4 to 10"},
		"several":                {[]int64{3, 6}, head{revision: 8}, "2, 4 to 5, 7 to 8"},
		"none before compaction": {[]int64{6}, head{revision: 6, compacted: 5}, ""},
		"a damaged key":          {[]int64{2, 3, 1 << 40}, head{revision: 10}, "4 to 10"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rescuing{revisions: map[int64]struct{}{}}
			for _, revision := range test.known {
				r.revisions[revision] = struct{}{}
			}
			if got := r.gaps(test.head); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
