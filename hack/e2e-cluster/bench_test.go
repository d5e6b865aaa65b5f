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
)

// BenchmarkSample measures how long it takes until all of the sample is ready: "up" by tilt-session, "hand" by what a
// person types in its place, with as much in parallel as a shell script has without effort.
//
//	cold  no image, no build cache of the engine and no object is there; programs compile from Go's build cache
//	warm  everything is there and nothing has changed
func BenchmarkSample(b *testing.B) {
	for name, ready := range map[string]func(*sample){"up": (*sample).readyByUp, "hand": (*sample).readyByHand} {
		b.Run(name+"/cold", func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				s := newSample(b)
				s.forget()
				b.StartTimer()
				ready(s)
				b.StopTimer()
				s.remove()
			}
		})
		b.Run(name+"/warm", func(b *testing.B) {
			s := newSample(b)
			ready(s)
			for b.Loop() {
				ready(s)
			}
			s.remove()
		})
	}
}

// BenchmarkParts measures the parts of "hand/warm" and "hand/cold" one by one.
func BenchmarkParts(b *testing.B) {
	parent := b
	s := newSample(b)
	defer s.remove()
	s.forget()
	for _, age := range []string{"cold", "warm"} {
		for _, part := range []struct {
			name string
			run  func()
		}{{"compile", s.compile}, {"build", s.build}, {"push", s.push}, {"apply", s.apply}, {"wait", s.wait}} {
			b.Run(part.name+"/"+age, func(b *testing.B) {
				if b.N > 1 {
					b.Fatal("each part is cold only once: run with -benchtime=1x")
				}
				s.TB = b // What fails, fails in the goroutine of this part.
				part.run()
				s.TB = parent
			})
		}
	}
}

func (s *sample) readyByUp() {
	up := s.up()
	up.awaitReady(append(workloads, "migrate:runtime")...)
	up.signal(syscall.SIGINT)
}

func (s *sample) readyByHand() {
	s.compile()
	s.build()
	s.push()
	s.apply()
	s.wait()
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
