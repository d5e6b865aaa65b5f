// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// saved is what a benchmark saves: files below the directory or file "src/app/NAME".
type saved struct {
	name         string
	files, bytes int
	// saves is how often.
	saves int
}

// write writes files that begin with a text.
func (s saved) write(p *project, text string) {
	content := append([]byte(text), make([]byte, s.bytes-len(text))...)
	at := filepath.Join(p.directory, "src/app", s.name)
	if s.files == 1 {
		p.ok(os.WriteFile(at, content, 0o644))
		return
	}
	p.ok(os.MkdirAll(at, 0o755))
	for i := range s.files {
		p.ok(os.WriteFile(filepath.Join(at, fmt.Sprintf("file-%d", i)), content, 0o644))
	}
}

// BenchmarkSave measures the time from the moment at which a person has begun to save files until a process in the
// container reads them: by a live update, by "kubectl cp" of the same files, and by a build, push and rollout as a
// person types them. p50 and p99 are of all saves of a round. It needs -benchtime=1x.
func BenchmarkSave(b *testing.B) {
	small := saved{"small", 1, 2000, 100}
	large := saved{"5MB", 1, 5 << 20, 20}
	many := saved{"1000-files", 1000, 2000, 10}
	for _, way := range []struct {
		name  string
		bring func(*live, saved)
		saves []saved
	}{
		{"live-update", nil, []saved{small, large, many}},
		{"kubectl-cp", (*live).copyByHand, []saved{small, large, many}},
		{"build", (*live).rollOutByHand, []saved{{"small", 1, 2000, 5}}},
	} {
		for _, saved := range way.saves {
			b.Run(way.name+"/"+saved.name, func(b *testing.B) {
				p := newFiles(b, busybox, "")
				saved.write(p, "first")
				l := p.upLive()
				address := l.address()
				if way.bring != nil {
					l.signal(syscall.SIGINT)
				}
				b.ResetTimer()
				b.StartTimer()
				var took []time.Duration
				for i := range saved.saves {
					text := fmt.Sprintf("save %d.", i)
					l.edited = time.Now()
					saved.write(p, text)
					if way.bring != nil {
						way.bring(l, saved)
					}
					if way.name == "build" {
						address = l.address()
					}
					l.awaitFiles(address, saved.name, text)
					took = append(took, time.Since(l.edited))
					if way.bring == nil {
						l.awaitUpdate()
					}
				}
				b.StopTimer()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
				if way.bring == nil {
					l.wantLive()
				}
			})
		}
	}
}

// newFiles is a project whose container runs testdata/files, on top of an image.
func newFiles(t testing.TB, from, fields string) *project {
	t.Helper()
	p := newLive(t, "sync('src/app', '/app')", "", "readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}", fields)
	p.replace("web.yaml", "        command: [sh, -c, '']\n", "")
	p.replace("src/Dockerfile", "FROM "+busybox, "FROM "+from+"\nCOPY files /files\nENTRYPOINT [\"/files\"]")
	program, err := filepath.Abs("testdata/files/main.go")
	p.ok(err)
	p.run("env", "CGO_ENABLED=0", "GO111MODULE=off", "go", "build", "-o", "src/files", program)
	return p
}

// address is where the program of the first pod answers.
func (l *live) address() string {
	l.Helper()
	var pod corev1.Pod
	l.get("pod/"+l.running()[0], &pod)
	return "http://" + pod.Status.PodIP + ":8080"
}

// read returns what the program of the first pod answers.
func (l *live) read(path string) string {
	l.Helper()
	return get(l.address() + path)
}

// awaitFiles waits until the program at an address reads files that begin with a text.
func (l *live) awaitFiles(address, name, text string) {
	l.Helper()
	response, err := http.Get(address + "/app/" + name + "?begins=" + url.QueryEscape(text))
	l.ok(err)
	l.ok(response.Body.Close())
}

// copyByHand copies the files as a person does.
func (l *live) copyByHand(s saved) {
	l.kubectl("cp", filepath.Join("src/app", s.name), l.pods[0]+":/app/")
}

// rollOutByHand builds, pushes and rolls out an image.
func (l *live) rollOutByHand(saved) {
	image := "127.0.0.1:5000/by-hand:" + strings.ReplaceAll(l.edited.Format("150405.000000"), ".", "-")
	l.run.project.run("docker", "build", "--quiet", "--tag", image, "src")
	l.run.project.run("docker", "push", "--quiet", image)
	l.kubectl("set", "image", "deployment/web", "app="+image)
	l.kubectl("rollout", "status", "deployment/web")
}
