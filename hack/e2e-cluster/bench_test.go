// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSample measures how long it takes until all of the sample is ready: "up" by tilt-session, "hand" by what a
// person types in its place, with as much in parallel as a shell script has without effort. The parts of that are
// metrics of their own. It needs -benchtime=1x.
//
//	cold  no image, no build cache of the engine and no object is there; programs compile from Go's build cache
//	warm  everything is there and nothing has changed
func BenchmarkSample(b *testing.B) {
	for name, ready := range map[string]func(*sample, *testing.B){"up": (*sample).readyByUp, "hand": (*sample).readyByHand} {
		for _, age := range []string{"cold", "warm"} {
			b.Run(name+"/"+age, func(b *testing.B) {
				s := newSample(b)
				if age == "cold" {
					s.forget()
				} else {
					ready(s, b)
				}
				b.ResetTimer()
				b.StartTimer()
				ready(s, b)
				b.StopTimer()
				s.remove()
			})
		}
	}
}

func (s *sample) readyByUp(b *testing.B) {
	up := s.up()
	up.awaitReady(append(slices.Clone(workloads), "migrate:runtime")...)
	b.StopTimer()
	up.signal(syscall.SIGINT)
}

func (s *sample) readyByHand(b *testing.B) {
	for _, part := range []struct {
		name string
		run  func()
	}{{"compile", s.compile}, {"build", s.build}, {"push", s.push}, {"apply", s.apply}, {"wait", s.wait}} {
		start := time.Now()
		part.run()
		b.ReportMetric(time.Since(start).Seconds(), part.name+"-s/op")
	}
}

// shell runs a script in the directory of the sample.
func (s *sample) shell(script string) {
	s.Helper()
	s.run("bash", "-euc", "programs='web controller orders store'; registry=127.0.0.1:5000\n"+script)
}

func (s *sample) compile() {
	s.shell(`for p in $programs; do CGO_ENABLED=0 go build -o .bin/$p/program ./$p; done`)
}

func (s *sample) build() {
	s.shell(`docker build -q -t sample/base base
		for p in $programs; do docker build -q -t $registry/hand-$p -f Dockerfile .bin/$p & done; wait`)
}

func (s *sample) push() {
	s.shell(`for p in $programs; do docker push -q $registry/hand-$p & done; wait`)
}

// apply applies everything in the order in which it works.
func (s *sample) apply() {
	s.shell(`images() { sed -E "s|image: sample/([a-z]+)|image: $registry/hand-\1|"; }
		kubectl apply -f deploy/promotions.yaml
		kubectl wait --for=condition=Established crd/promotions.sample.tilt.dev
		{ kubectl kustomize kustomize/dev; for f in controller web; do echo ---; cat deploy/$f.yaml; done
			echo ---; helm template shop chart --set replicas=2 | sed '/Source: orders.templates.tests/,/^---/d'; } |
			images | kubectl apply -f -
		kubectl rollout status statefulset/store
		images <deploy/migrate.yaml | kubectl apply -f -
		kubectl apply -f deploy/summer.yaml`)
}

func (s *sample) wait() {
	s.shell(`kubectl wait --timeout=2m --for=condition=Available deployment --all
		kubectl wait --timeout=2m --for=condition=Complete job/migrate
		kubectl wait --timeout=2m --for=condition=Ready promotion/summer`)
}

// forget removes the sample's images from the engine, with the cache of builds, and its programs.
func (s *sample) forget() {
	s.ok(os.RemoveAll(filepath.Join(s.directory, ".bin")))
	var images []string
	for line := range strings.Lines(s.project.run("docker", "images", "--format={{.ID}} {{.Repository}}")) {
		if id, name, _ := strings.Cut(line, " "); strings.Contains(name, "sample") || strings.Contains(name, "hand-") {
			images = append(images, id)
		}
	}
	slices.Sort(images)
	for _, image := range slices.Compact(images) {
		s.project.run("docker", "rmi", "--force", image)
	}
	s.project.run("docker", "builder", "prune", "--all", "--force")
}

// remove removes what the sample has outside its namespace, and waits for the rest.
func (s *sample) remove() {
	s.kubectl("delete", "--ignore-not-found", "customresourcedefinition", "promotions.sample.tilt.dev")
	s.kubectl("delete", "--ignore-not-found", "namespace", s.namespace)
	s.kubectl("create", "namespace", s.namespace)
}
