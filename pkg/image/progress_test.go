// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"strings"
	"testing"
)

// Each is the same failing build as a version of a client reports it.
const (
	rawProgress = `{"vertexes":[{"digest":"d1","name":"[internal] load build definition from Dockerfile","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:18Z"}]}
{"vertexes":[{"digest":"c","name":"[internal] load build context","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:17Z"}]}
{
  "statuses": [
    {
      "vertex": "c",
      "current": 2399467
    }
  ]
}
{"vertexes":[{"digest":"c","name":"[internal] load build context","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:17.25Z"}]}
{"vertexes":[{"digest":"b","name":"[1/3] COPY app /app","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:17Z","cached":true}]}
{"vertexes":[{"digest":"r","name":"[2/3] RUN make","started":"2026-11-30T21:02:17Z"}]}
{"logs":[{"vertex":"r","stream":1,"data":"aGVs"}]}
{"logs":[{"vertex":"r","stream":1,"data":"bG8KG1sySxtbMzFtcmVkG1swbQo="}]}
{"vertexes":[{"digest":"r","name":"[2/3] RUN make","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:18.5Z"}]}
{"warnings":[{"vertex":"r","level":1,"short":"b2xk"}]}
{"vertexes":[{"digest":"f","name":"[3/3] RUN false","started":"2026-11-30T21:02:17Z"}]}
{"logs":[{"vertex":"f","stream":2,"data":"d2h5"}]}
{"vertexes":[{"digest":"f","name":"[3/3] RUN false","started":"2026-11-30T21:02:17Z","completed":"2026-11-30T21:02:18Z","error":"exit code: 1"}]}
Dockerfile:4
>>> RUN false
ERROR: failed to build: failed to solve: exit code: 1
`
	plainProgress = `#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 102B done
#1 DONE 0.0s

#4 [1/3] COPY app /app
#4 CACHED

#5 [2/3] RUN make
#5 0.283 hello
#5 0.284 ` + "\x1b[2K\x1b[31mred\x1b[0m" + `
#5 DONE 1.5s

warning: old

#6 [3/3] RUN false
#6 0.283 why
#6 ERROR: exit code: 1
------
 > [3/3] RUN false:
0.283 why
------
Dockerfile:4
>>> RUN false
ERROR: failed to solve: exit code: 1
`
	shownProgress = `[1/3] COPY app /app [cached]
[2/3] RUN make
  → hello
  → ` + "\x1b[31mred\x1b[0m" + `
[2/3] RUN make [done: 1.5s]
warning: old
[3/3] RUN false
  → why
[3/3] RUN false [failed]
Dockerfile:4
>>> RUN false
`
	classicProgress = `Sending build context to Docker daemon  2.4MB` + "\r\r" + `
Step 1/2 : COPY app /app
 ---> Using cache
 ---> 0123456789ab
Step 2/2 : RUN false
 ---> Running in 0123456789ab
why
The command 'false' returned a non-zero code: 1
`
	shownClassic = `[1/2] COPY app /app
[2/2] RUN false
  → why
`
)

func TestProgress(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		line func(*progress) func(string)
		want string
		err  string
	}{
		"rawjson": {rawProgress, func(p *progress) func(string) { return p.jsonLine },
			"load build context [2.4 MB in 250ms]\n" + shownProgress, "[3/3] RUN false: exit code: 1"},
		"plain": {plainProgress, func(p *progress) func(string) { return p.plainLine }, shownProgress, "[3/3] RUN false: exit code: 1"},
		"classic": {classicProgress, func(p *progress) func(string) { return p.classicLine }, shownClassic,
			"[2/2] RUN false: The command 'false' returned a non-zero code: 1"},
		"podman": {"STEP 1/2: FROM scratch\nError: no\n", func(p *progress) func(string) { return p.podmanLine },
			"STEP 1/2: FROM scratch\n", "no"},
		"no steps": {"ERROR: Cannot connect to the Docker daemon\n", func(p *progress) func(string) { return p.jsonLine },
			"", "Cannot connect to the Docker daemon"},
	} {
		var log strings.Builder
		p := newProgress(&log)
		w := &lineWriter{line: test.line(p)}
		for i := range len(test.text) { // The worst pieces.
			_, _ = w.Write([]byte(test.text[i : i+1]))
		}
		w.flush()
		if log.String() != test.want || p.err() != test.err {
			t.Errorf("%s: got\n%s%q, want\n%s", name, log.String(), p.err(), test.want)
		}
	}
}

// Whatever a builder prints, the log has no cursor movements and no unfinished lines.
func FuzzProgress(f *testing.F) {
	f.Add(rawProgress)
	f.Add(plainProgress)
	f.Add(classicProgress)
	f.Fuzz(func(t *testing.T, text string) {
		for i := range 4 {
			var log strings.Builder
			p := newProgress(&log)
			w := &lineWriter{line: []func(string){p.jsonLine, p.plainLine, p.classicLine, p.podmanLine}[i]}
			_, _ = w.Write([]byte(text))
			w.flush()
			_ = p.err()
			if out := log.String(); out != "" && !strings.HasSuffix(out, "\n") || cursor.MatchString(out) {
				t.Errorf("%q", out)
			}
		}
	})
}
